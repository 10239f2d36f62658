"""cc_test for tests by GoogleTest.

Their sources are compiled without optimization, which takes most of the time:
what is tested is in libraries. Inline functions that a test shares with them are
not optimized either; where that matters, as in cpab/cuda, Bazel's own cc_test
does. Where the compiler is Clang, GoogleTest is read from a precompiled header.
"""

load("//third_party:precompiled_header.bzl", "with_precompiled_header")

TEST_COPTS = ["-O0", "-U_FORTIFY_SOURCE"]

def cc_test(name, copts = [], **attributes):
    native.cc_test(
        name = name,
        **with_precompiled_header(
            dict(attributes, copts = copts + TEST_COPTS),
            "@cpab_animation//third_party/googletest:test_pch",
        )
    )
