"""How a C++ rule reads the precompiled headers of BUILD."""

# This repository below the output folder: "", or "external/cpab_animation".
_ROOT = Label("//third_party/precompiled:defs.bzl").workspace_root

_PACKAGE = "third_party/precompiled"

# Folders of programs: most of their sources read OpenCV, JSON or protobuf.
_APP_FOLDERS = ["pipelines", "tools"]

def with_precompiled_headers(attributes, torch = False, test = False):
    """What a C++ rule with `attributes` needs to read the precompiled headers.

    Clang refuses a file that other flags have made: a rule whose `copts` are
    others than the precompiled headers' must not come here. Where the compiler is
    not Clang, nothing is read.
    """
    top = native.package_name().split("/")[0]
    name = "app" if top in _APP_FOLDERS else "math"
    name = ("torch_" if torch else "") + name + ("_test" if test else "")
    path = "/".join([part for part in [_ROOT, _PACKAGE, name + ".pch"] if part])
    use_pch = "@cpab_animation//third_party:use_pch"
    result = dict(attributes)
    result["deps"] = result.get("deps", []) + select({
        use_pch: ["@cpab_animation//%s:%s" % (_PACKAGE, name)],
        "//conditions:default": [],
    })
    result["copts"] = result.get("copts", []) + select({
        use_pch: ["-include-pch", "$(BINDIR)/" + path],
        "//conditions:default": [],
    })
    return result
