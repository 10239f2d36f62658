"""cc_library, cc_test and cc_binary for sources that include LibTorch's headers.

They depend on LibTorch and, as those of //third_party:cc.bzl, read headers from
precompiled ones. Tests are compiled without optimization.
"""

load("//third_party:cc.bzl", "TEST_COPTS")
load("//third_party/precompiled:defs.bzl", "with_precompiled_headers")

# ATen's parallel_for runs in one thread where its header is compiled without
# OpenMP. Eigen would take OpenMP up, too, but splits sums by the thread count.
TORCH_COPTS = ["-fopenmp", "-DEIGEN_DONT_PARALLELIZE"]

_LIBTORCH = "@cpab_animation//third_party/libtorch"

def _with_torch(attributes, test = False):
    result = with_precompiled_headers(
        attributes,
        copts = TORCH_COPTS + (TEST_COPTS if test else []),
        torch = True,
        test = test,
    )
    result["deps"] = result.get("deps", []) + [_LIBTORCH]
    result["linkopts"] = result.get("linkopts", []) + ["-fopenmp"]
    return result

def torch_library(name, **attributes):
    native.cc_library(name = name, **_with_torch(attributes))

def torch_test(name, **attributes):
    native.cc_test(name = name, **_with_torch(attributes, test = True))

def torch_binary(name, **attributes):
    native.cc_binary(name = name, **_with_torch(attributes))
