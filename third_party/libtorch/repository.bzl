"""Finds LibTorch: the folder that the variable LIBTORCH names, or the system's.

LIBTORCH is an unpacked official zip or the `torch` folder inside a Python
environment. Its version and ABI are checked before anything is compiled.
"""

load("//third_party:system_library.bzl", "system_library_build")

_DEBIAN_PACKAGES = "libtorch-dev libopenblas0-pthread libgloo-dev"
_OLDEST = (1, 13)

# Headers of other libraries, of other versions than the system's, that lie beside
# LibTorch's own in a Python environment and in official zips.
_OTHERS_HEADERS = ["google", "pybind11"]

# As Debian builds LibTorch; but without glog's operators << for all containers,
# which hide how GoogleTest prints a vector of structs.
_SYSTEM_DEFINES = ["C10_USE_GLOG", "C10_USE_MINIMAL_GLOG", "USE_C10D_GLOO", "USE_DISTRIBUTED"]

_WITHOUT_CUDA = "This LibTorch has no CUDA, which --config=cuda needs. Name one that has, for instance by LIBTORCH=pip:2.11.0."

def _missing(repository_ctx, message):
    repository_ctx.file("BUILD", system_library_build(
        _DEBIAN_PACKAGES,
        [(name, "missing_library", {"message": message}) for name in ["libtorch", "libtorch_cuda"]],
    ))

def _system(repository_ctx):
    if not repository_ctx.path("/usr/include/torch/csrc/api/include/torch/torch.h").exists:
        return _missing(repository_ctx, "")
    return repository_ctx.file("BUILD", system_library_build(_DEBIAN_PACKAGES, [
        ("libtorch", "system_cc_library", {
            "includes": ["/usr/include/torch/csrc/api/include"],
            "defines": _SYSTEM_DEFINES,
            "linkopts": ["-ltorch", "-ltorch_cpu", "-lc10", "-lglog"],
        }),
        ("libtorch_cuda", "missing_library", {"message": _WITHOUT_CUDA}),
    ]))

def _header_value(repository_ctx, header, name):
    """The value of `#define name value` in a header, or ""."""
    for line in repository_ctx.read(header).split("\n"):
        words = [word for word in line.split(" ") if word]
        if words[:2] == ["#define", name] and len(words) > 2:
            return words[2]
    return ""

def _has_old_abi(repository_ctx, library):
    """True if the library was built with _GLIBCXX_USE_CXX11_ABI=0, as old official zips are."""
    symbols = repository_ctx.execute(["nm", "-D", "--defined-only", library])
    return symbols.return_code == 0 and "__cxx11" not in symbols.stdout

def _nvidia_packages(repository_ctx, folder):
    """The folders of NVIDIA's packages in the Python environment of `folder`."""
    nvidia = repository_ctx.path(folder).dirname.get_child("nvidia")
    return nvidia.readdir() if nvidia.exists else []

def _from_folder(repository_ctx, folder):
    if " " in folder:
        return _missing(repository_ctx, "LIBTORCH=%s: Bazel's flags of the linker hold no path with a space. Name a symbolic link to it whose path has none." % folder)
    version_header = repository_ctx.path(folder + "/include/torch/csrc/api/include/torch/version.h")
    if not version_header.exists:
        return _missing(repository_ctx, "LIBTORCH=%s has no include/torch/csrc/api/include/torch/version.h. Name an unpacked LibTorch zip or the torch folder of a Python environment." % folder)
    # From 2.9 on the numbers are in a header of their own.
    numbers = repository_ctx.path(folder + "/include/torch/headeronly/version.h")
    version = [
        int(_header_value(repository_ctx, numbers if numbers.exists else version_header, "TORCH_VERSION_" + part) or "0")
        for part in ["MAJOR", "MINOR"]
    ]
    if (version[0], version[1]) < _OLDEST:
        return _missing(repository_ctx, "LIBTORCH=%s is version %d.%d; 1.13 or later is needed. Name a newer one, or unset LIBTORCH for the system's." % (folder, version[0], version[1]))
    old_abi = _has_old_abi(repository_ctx, repository_ctx.path(folder + "/lib/libc10.so"))
    if old_abi:
        return _missing(repository_ctx, "LIBTORCH=%s was built without the C++11 ABI (_GLIBCXX_USE_CXX11_ABI=0) and cannot be linked with the system's protobuf and Abseil. Take the zip whose name says cxx11-abi, or a later release of the Python package (pip:2.11.0)." % folder)
    for entry in repository_ctx.path(folder + "/include").readdir():
        if entry.basename not in _OTHERS_HEADERS:
            repository_ctx.symlink(entry, "include/" + entry.basename)
    defines = ["USE_C10D_GLOO", "USE_DISTRIBUTED"]
    includes = ["include", "include/torch/csrc/api/include"]
    libraries = ["torch", "torch_cpu", "c10"]
    has_cuda = repository_ctx.path(folder + "/lib/libtorch_cuda.so").exists
    if has_cuda:
        # Registers the CUDA kernels by being loaded; nothing refers to it by name.
        libraries = ["torch", "torch_cpu", "torch_cuda", "c10_cuda", "c10"]

    # libtorch.so of a wheel exports a part of a newer libstdc++, with a
    # std::filesystem::remove_all that ends at address 0 on Debian 12. The
    # system's library is found before it where it stands before it.
    libraries = ["stdc++"] + libraries
    # A wheel's CUDA libraries and headers are packages beside torch.
    lib_paths = [str(repository_ctx.path(folder + "/lib").realpath)]
    for part in _nvidia_packages(repository_ctx, folder):
        if part.get_child("lib").exists:
            lib_paths.append(str(part.get_child("lib").realpath))
        if part.get_child("include").exists:
            repository_ctx.symlink(part.get_child("include"), "nvidia/" + part.basename)
            includes.append("nvidia/" + part.basename)
        if part.get_child("include").get_child("nccl.h").exists:
            defines.append("USE_C10D_NCCL")
    cuda = system_library_build(
        _DEBIAN_PACKAGES,
        [("libtorch_cuda", "system_cc_library", {}) if has_cuda else ("libtorch_cuda", "missing_library", {"message": _WITHOUT_CUDA})],
    )
    repository_ctx.file("BUILD", cuda + """
cc_library(
    name = "libtorch",
    hdrs = glob(["include/**", "nvidia/**"], allow_empty = True),
    defines = {defines},
    includes = {includes},
    linkopts = [{folders}, "-Wl,--no-as-needed", {libraries}, "-Wl,--as-needed"],
    visibility = ["//visibility:public"],
)
""".format(
        defines = repr(defines),
        includes = repr(includes),
        folders = ", ".join(['"-L%s", "-Wl,-rpath,%s", "-Wl,-rpath-link,%s"' % (path, path, path) for path in lib_paths]),
        libraries = ", ".join(['"-l%s"' % library for library in libraries]),
    ))
    return None

def _libtorch_impl(repository_ctx):
    folder = repository_ctx.os.environ.get("LIBTORCH", "")
    if folder:
        return _from_folder(repository_ctx, folder)
    return _system(repository_ctx)

libtorch = repository_rule(
    implementation = _libtorch_impl,
    environ = ["LIBTORCH"],
    configure = True,
    local = True,
)
