"""cc_library, cc_test and cc_binary for sources that include LibTorch's headers.

They depend on LibTorch and, where the compiler is Clang, read its headers from
the precompiled header.
"""

load("//third_party:precompiled_header.bzl", "with_precompiled_header")
load("//third_party/googletest:defs.bzl", "TEST_COPTS")

# ATen's parallel_for runs in one thread where its header is compiled without
# OpenMP. Eigen would take OpenMP up, too, but splits sums by the thread count.
TORCH_COPTS = ["-fopenmp", "-DEIGEN_DONT_PARALLELIZE"]

_LIBTORCH = "@cpab_animation//third_party/libtorch"

def _with_torch(attributes, copts = [], pch = "torch_pch"):
    result = with_precompiled_header(attributes, _LIBTORCH + ":" + pch)
    result["deps"] = result["deps"] + [_LIBTORCH]
    result["copts"] = TORCH_COPTS + copts + result["copts"]
    result["linkopts"] = result.get("linkopts", []) + ["-fopenmp"]
    return result

def torch_library(name, **attributes):
    native.cc_library(name = name, **_with_torch(attributes))

def torch_test(name, **attributes):
    native.cc_test(
        name = name,
        **_with_torch(attributes, copts = TEST_COPTS, pch = "torch_test_pch")
    )

def torch_binary(name, **attributes):
    native.cc_binary(name = name, **_with_torch(attributes))
