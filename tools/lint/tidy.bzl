"""clang-tidy as aspects: one action a source, with the flags of its compilation.

tools/tidy runs them. The checks are in .clang-tidy.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# $1 is the file that stands for "nothing found", the others are clang-tidy's.
_COMMAND = """
command -v clang-tidy >/dev/null || {
  echo >&2 "clang-tidy is not installed. Install it with: apt-get install clang-tidy (tools/tidy does this for you)"
  exit 1
}
output=$1; shift
said=$(clang-tidy "$@" 2>&1) || { grep -v ' warnings\\? generated\\.$' >&2 <<<"$said"; exit 1; }
: >"$output"
"""

def _compile_flags(ctx, toolchain, context, uses_torch):
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )

    # clang-tidy walks all of a precompiled header, not only what a source uses of
    # it: slower than parsing the headers, but for LibTorch's.
    copts = [
        copt.replace("$(BINDIR)", ctx.bin_dir.path)
        for copt in getattr(ctx.rule.attr, "copts", [])
        if uses_torch or (copt != "-include-pch" and not copt.endswith(".pch"))
    ]
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + copts,
        include_directories = context.includes,
        quote_include_directories = depset([".", ctx.bin_dir.path]),
        system_include_directories = context.system_includes,
        preprocessor_defines = context.defines,
        use_pic = True,
    )
    return cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = ACTION_NAMES.cpp_compile,
        variables = variables,
    )

def _check(ctx, toolchain, source, flags, inputs):
    output = ctx.actions.declare_file("_tidy/%s/%s" % (ctx.rule.attr.name, source.basename))
    ctx.actions.run_shell(
        outputs = [output],
        inputs = inputs,
        command = _COMMAND,
        arguments = [
            output.path,
            "--quiet",
            "--warnings-as-errors=*",
            "--config-file=" + ctx.file._config.path,
            source.path,
            "--",
        ] + flags,
        mnemonic = "ClangTidy",
        progress_message = "Tidying " + source.short_path,
        use_default_shell_env = True,
    )
    return output

def _tidy(ctx, with_torch):
    attributes = ctx.rule.attr
    labels = [dep.label for dep in getattr(attributes, "deps", [])]
    if ctx.rule.kind not in ["cc_binary", "cc_library", "cc_test"]:
        return [OutputGroupInfo(tidy = depset())]
    uses_torch = any([label.package == "third_party/libtorch" or label.workspace_name == "libtorch" for label in labels])
    if uses_torch and not with_torch:
        return [OutputGroupInfo(tidy = depset())]
    toolchain = find_cpp_toolchain(ctx)
    context = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in attributes.deps if CcInfo in dep],
    ).compilation_context
    flags = _compile_flags(ctx, toolchain, context, uses_torch)
    own = [
        file
        for attribute in ["srcs", "hdrs", "textual_hdrs"]
        for file in getattr(ctx.rule.files, attribute, [])
    ]
    inputs = depset(
        own + [ctx.file._config],
        transitive = [context.headers, toolchain.all_files],
    )
    sources = [file for file in ctx.rule.files.srcs if file.is_source and file.extension == "cc"]
    outputs = [_check(ctx, toolchain, source, flags, inputs) for source in sources]
    return [OutputGroupInfo(tidy = depset(outputs))]

def _tidy_all_impl(_target, ctx):
    return _tidy(ctx, with_torch = True)

def _tidy_without_torch_impl(_target, ctx):
    return _tidy(ctx, with_torch = False)

_ATTRIBUTES = {
    "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
}

# Every source of C++ targets.
tidy_all = aspect(
    implementation = _tidy_all_impl,
    attrs = _ATTRIBUTES,
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

# Those of targets that do not read LibTorch's headers: a tenth of the time.
tidy_without_torch = aspect(
    implementation = _tidy_without_torch_impl,
    attrs = _ATTRIBUTES,
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
