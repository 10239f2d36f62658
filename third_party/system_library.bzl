"""A repository whose targets stand for a library that the system's packages install.

A library that is not there fails only the targets that need it, at build time,
with the name of the Debian package to install.
"""

def system_library_build(packages, targets):
    """The text of a BUILD file with one target for each (name, rule, attributes)."""
    lines = [
        'load("@cpab_animation//third_party:system_targets.bzl", "missing_library", "system_cc_library", "system_program")',
        'package(default_visibility = ["//visibility:public"])',
    ]
    for name, rule, attributes in targets:
        lines.append("%s(name = %r, debian_package = %r%s)" % (
            rule,
            name,
            packages,
            "".join([", %s = %r" % item for item in attributes.items()]),
        ))
    return "\n".join(lines) + "\n"

def _pkg_config(repository_ctx, modules):
    """Include folders, defines and link options of pkg-config modules; None if unknown."""

    # One that is earlier in PATH, as a Python environment's, knows the libraries
    # of another prefix.
    program = repository_ctx.path("/usr/bin/pkg-config")
    result = repository_ctx.execute(
        [program if program.exists else "pkg-config", "--cflags", "--libs"] + modules.split(" "),
    )
    if result.return_code:
        return None
    words = result.stdout.replace("\n", " ").split(" ")
    return {
        "includes": [word[2:] for word in words if word.startswith("-I")],
        "defines": [word[2:] for word in words if word.startswith("-D")],
        "linkopts": [word for word in words if word.startswith("-l") or word.startswith("-Wl")],
    }

_PROTO_LIBRARY = """
proto_library(
    name = "{name}",
    srcs = ["{proto}"],
)
"""

def _system_library_impl(repository_ctx):
    attr = repository_ctx.attr
    found = not attr.header or repository_ctx.path(attr.header).exists
    targets = []
    for name, modules in attr.modules.items():
        flags = _pkg_config(repository_ctx, modules) if found else None
        targets.append((name, "system_cc_library", flags) if flags else (name, "missing_library", {}))
    for name, linkopts in attr.libraries.items():
        flags = {"includes": attr.includes, "linkopts": linkopts}
        targets.append((name, "system_cc_library", flags) if found else (name, "missing_library", {}))
    for name, path in attr.programs.items():
        targets.append((name, "system_program", {"path": path}))
    if not found:
        targets += [(name, "missing_library", {}) for name in attr.files]
    build = system_library_build(attr.debian_package, targets)
    for proto, path in attr.protos.items():
        repository_ctx.symlink(path, proto)
        build += _PROTO_LIBRARY.format(name = proto.split("/")[-1].replace(".", "_"), proto = proto)
    for name, path in attr.files.items() if found else []:
        repository_ctx.symlink(path, name)
        build += "exports_files([%r])\n" % name
    repository_ctx.file("BUILD", build)

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "debian_package": attr.string(doc = "Debian package(s) to install, for the error.", mandatory = True),
        "files": attr.string_dict(doc = "Target name to the absolute path of a data file."),
        "header": attr.string(doc = "A file that exists where the library is installed; without it, pkg-config tells."),
        "includes": attr.string_list(doc = "Include folders of `libraries`."),
        "libraries": attr.string_list_dict(doc = "Target name to link options, where pkg-config has no module."),
        "modules": attr.string_dict(doc = "Target name to pkg-config modules."),
        "protos": attr.string_dict(doc = "Import path of a .proto file to its absolute path."),
        "programs": attr.string_dict(doc = "Target name to the absolute path of a program."),
    },
    configure = True,
    local = True,
)
