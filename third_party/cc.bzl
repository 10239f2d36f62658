"""cc_library, cc_binary, cc_test and optimized_test for sources that do not include
LibTorch's headers (//third_party/libtorch:defs.bzl has rules for those that do).

Where the compiler is Clang, they read headers of other libraries from precompiled
ones. Tests are compiled without optimization, which takes most of the time: what is
tested is in libraries. Inline functions that a test shares with them are not
optimized either; where what is tested is in headers, optimized_test optimizes.
"""

load("//third_party/precompiled:defs.bzl", "with_precompiled_headers")

TEST_COPTS = ["-O0", "-U_FORTIFY_SOURCE"]

def cc_library(name, **attributes):
    native.cc_library(name = name, **with_precompiled_headers(attributes))

def cc_binary(name, **attributes):
    native.cc_binary(name = name, **with_precompiled_headers(attributes))

def cc_test(name, **attributes):
    native.cc_test(
        name = name,
        **with_precompiled_headers(attributes, copts = TEST_COPTS, test = True)
    )

def optimized_test(name, **attributes):
    native.cc_test(name = name, **with_precompiled_headers(attributes))
