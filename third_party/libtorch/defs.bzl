"""cc_library, cc_test and cc_binary for sources that include LibTorch's headers.

They depend on LibTorch and, where the compiler is Clang, read its headers from
the precompiled header.
"""

# ATen's parallel_for runs in one thread where its header is compiled without
# OpenMP. Eigen would take OpenMP up, too, but splits sums by the thread count.
TORCH_COPTS = ["-fopenmp", "-DEIGEN_DONT_PARALLELIZE"]

_LIBTORCH = "@cpab_animation//third_party/libtorch"

# Optimizing takes most of the time that a test's source takes to compile, and
# none of what it tests is in it. .bazelrc says the same of the other tests.
TEST_COPTS = ["-O0", "-U_FORTIFY_SOURCE"]

# A precompiled header serves those who compile with its flags.
def _with_torch(attributes, copts = [], pch = "torch_pch"):
    result = dict(attributes)
    result["deps"] = result.get("deps", []) + [_LIBTORCH] + select({
        _LIBTORCH + ":use_pch": [_LIBTORCH + ":" + pch],
        "//conditions:default": [],
    })
    result["copts"] = result.get("copts", []) + TORCH_COPTS + copts + select({
        _LIBTORCH + ":use_pch": [
            "-include-pch",
            "$(BINDIR)/third_party/libtorch/" + pch + ".pch",
        ],
        "//conditions:default": [],
    })
    result["linkopts"] = result.get("linkopts", []) + ["-fopenmp"]
    return result

def torch_library(name, **attributes):
    native.cc_library(name = name, **_with_torch(attributes))

def torch_test(name, **attributes):
    native.cc_test(
        name = name,
        **_with_torch(attributes, copts = TEST_COPTS, pch = "torch_tests_pch")
    )

def torch_binary(name, **attributes):
    native.cc_binary(name = name, **_with_torch(attributes))
