"""Extensions of the system's Python."""

# pybind11's own types are hidden, as its manual wants.
_COPTS = ["-fvisibility=hidden"]

def python_extension(name, srcs, deps, **kwargs):
    """A module for `import`: `name` ends in ".so".

    Shared libraries beside it are found before the system's, also by each
    other, so that a wheel can bring its own.
    """
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _COPTS,
        linkopts = [
            "-Wl,-rpath,'$$ORIGIN'",
            "-Wl,--disable-new-dtags",
        ],
        linkshared = True,
        deps = deps + ["//third_party/pybind11"],
        **kwargs
    )
