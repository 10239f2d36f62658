"""How a C++ rule reads the precompiled headers of BUILD."""

# This repository below the output folder: "", or "external/cpab_animation".
_ROOT = Label("//third_party/precompiled:defs.bzl").workspace_root

_PACKAGE = "third_party/precompiled"

# Folders of programs: most of their sources read OpenCV, JSON or protobuf.
_APP_FOLDERS = ["pipelines", "tools"]

def header_name(folders, torch, test):
    return ("torch_" if torch else "") + folders + ("_test" if test else "")

def with_precompiled_headers(attributes, copts = [], torch = False, test = False):
    """The attributes of a C++ rule that is compiled with `copts` and reads the
    precompiled headers that are, too.

    Clang refuses those that other flags have made: a rule with copts of its own
    reads none, nor does one without sources, or where the compiler is not Clang.
    """
    own_copts = attributes.get("copts", [])
    result = dict(attributes, copts = copts + own_copts)
    if own_copts or not attributes.get("srcs"):
        return result
    top = native.package_name().split("/")[0]
    name = header_name("app" if top in _APP_FOLDERS else "math", torch, test)
    path = "/".join([part for part in [_ROOT, _PACKAGE, name + ".pch"] if part])
    use_pch = "@cpab_animation//third_party:use_pch"
    result["deps"] = result.get("deps", []) + select({
        use_pch: ["@cpab_animation//%s:%s" % (_PACKAGE, name)],
        "//conditions:default": [],
    })
    result["copts"] = copts + select({
        use_pch: ["-include-pch", "$(BINDIR)/" + path],
        "//conditions:default": [],
    })
    return result
