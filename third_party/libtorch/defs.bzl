"""cc_library, cc_test and cc_binary for sources that include LibTorch's headers.

They depend on LibTorch and, where the compiler is Clang, read its headers from
the precompiled header.
"""

# ATen's parallel_for runs in one thread where its header is compiled without
# OpenMP. Eigen would take OpenMP up, too, but splits sums by the thread count.
TORCH_COPTS = ["-fopenmp", "-DEIGEN_DONT_PARALLELIZE"]

_LIBTORCH = "@cpab_animation//third_party/libtorch"

def _with_torch(attributes):
    result = dict(attributes)
    result["deps"] = result.get("deps", []) + [_LIBTORCH] + select({
        _LIBTORCH + ":use_pch": [_LIBTORCH + ":torch_pch"],
        "//conditions:default": [],
    })
    result["copts"] = result.get("copts", []) + TORCH_COPTS + select({
        _LIBTORCH + ":use_pch": [
            "-include-pch",
            "$(BINDIR)/third_party/libtorch/torch_pch.pch",
        ],
        "//conditions:default": [],
    })
    result["linkopts"] = result.get("linkopts", []) + ["-fopenmp"]
    return result

def torch_library(name, **attributes):
    native.cc_library(name = name, **_with_torch(attributes))

def torch_test(name, **attributes):
    native.cc_test(name = name, **_with_torch(attributes))

def torch_binary(name, **attributes):
    native.cc_binary(name = name, **_with_torch(attributes))
