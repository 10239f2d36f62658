"""Libraries of CUDA sources, compiled by nvcc where --config=cuda asks for it."""

_CUDA = "@cpab_animation//third_party/cuda"

def _cuda_object_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".o")
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    roots = [".", ctx.bin_dir.path]
    if ctx.label.workspace_root:
        roots.append(ctx.label.workspace_root)
    ctx.actions.run(
        outputs = [output],
        inputs = depset(ctx.files.hdrs + [ctx.file.src], transitive = [context.headers for context in contexts]),
        executable = ctx.executable._nvcc,
        arguments = ["-std=c++17", "-O3", "-Werror", "all-warnings", "-Xcompiler=-fPIC,-Wall,-Werror"] +
                    ["-I" + root for root in roots] +
                    ["-c", ctx.file.src.path, "-o", output.path],
        use_default_shell_env = True,
        mnemonic = "CudaCompile",
        progress_message = "Compiling " + ctx.file.src.short_path,
    )
    return [DefaultInfo(files = depset([output]))]

_cuda_object = rule(
    implementation = _cuda_object_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "hdrs": attr.label_list(allow_files = [".h"]),
        "src": attr.label(allow_single_file = [".cu"], mandatory = True),
        "_nvcc": attr.label(default = "@system_cuda//:nvcc", cfg = "host", executable = True),
    },
)

def cuda_library(name, srcs, hdrs, absent, deps = [], **attributes):
    """A cc_library of .cu sources; without --config=cuda, of the .cc sources `absent`.

    Headers of the sources may have no include paths beside the workspace's root:
    what nvcc compiles includes the kernels and the C++ library, nothing else.
    """
    objects = []
    for src in srcs:
        objects.append("%s_%s" % (name, src.replace(".cu", "_object")))
        _cuda_object(
            name = objects[-1],
            src = src,
            hdrs = hdrs,
            tags = ["manual"],
            deps = deps,
        )
    native.cc_library(
        name = name,
        srcs = select({
            _CUDA + ":use_cuda": objects,
            "//conditions:default": absent,
        }),
        hdrs = hdrs,
        deps = deps + select({
            _CUDA + ":use_cuda": [_CUDA + ":cudart"],
            "//conditions:default": [],
        }),
        **attributes
    )
