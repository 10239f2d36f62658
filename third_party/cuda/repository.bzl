"""Finds NVIDIA's CUDA toolkit: the folder that CUDA_PATH names, /usr/local/cuda, or Debian's."""

_MISSING = "nvcc was not found. Install it with: apt-get install nvidia-cuda-toolkit (in Debian's non-free), or install NVIDIA's CUDA toolkit and let CUDA_PATH name its folder if that is not /usr/local/cuda. Without --config=cuda it is not needed."

# Machine code for the first chips of each generation, which those that follow
# run too, and portable code of the oldest for all later ones.
_ARCHITECTURES = "75 80 90"

def _folder(repository_ctx):
    """Of the toolkit; None if there is none."""
    for folder in [repository_ctx.os.environ.get("CUDA_PATH", ""), "/usr/local/cuda", "/usr"]:
        if folder and repository_ctx.path(folder + "/bin/nvcc").exists:
            return folder
    return None

def _architecture_flags(repository_ctx):
    numbers = repository_ctx.os.environ.get("CUDA_ARCHITECTURES", "") or _ARCHITECTURES
    numbers = [number for number in numbers.replace(",", " ").replace(";", " ").split(" ") if number]
    flags = ["-gencode arch=compute_%s,code=sm_%s" % (number, number) for number in numbers]
    return " ".join(flags + ["-gencode arch=compute_%s,code=compute_%s" % (numbers[0], numbers[0])])

def _system_cuda_impl(repository_ctx):
    folder = _folder(repository_ctx)
    command = "echo >&2 '%s'; exit 1" % _MISSING.replace("'", "'\\''")
    if folder:
        command = "exec %s/bin/nvcc %s \"$@\"" % (folder, _architecture_flags(repository_ctx))
    repository_ctx.file("nvcc.sh", "#!/bin/sh\n%s\n" % command, executable = True)
    includes, linkopts = "", ["-lcudart"]
    if folder and folder != "/usr":
        # Debian's headers and library are in the compiler's own folders.
        repository_ctx.symlink(folder + "/include", "include")
        includes = "hdrs = glob([\"include/**\"]), includes = [\"include\"],"
        library = str(repository_ctx.path(folder + "/lib64").realpath)
        linkopts = ["-L" + library, "-Wl,-rpath," + library] + linkopts
    repository_ctx.file("BUILD", """
package(default_visibility = ["//visibility:public"])

sh_binary(name = "nvcc", srcs = ["nvcc.sh"])

cc_library(name = "cudart", {includes} linkopts = {linkopts})
""".format(includes = includes, linkopts = linkopts))

system_cuda = repository_rule(
    implementation = _system_cuda_impl,
    environ = ["CUDA_ARCHITECTURES", "CUDA_PATH"],
    configure = True,
    local = True,
)
