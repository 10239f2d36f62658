"""A file of headers that Clang has parsed, with the flags of every other
compilation."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    library = cc_common.merge_cc_infos(
        cc_infos = [each[CcInfo] for each in ctx.attr.libraries],
    ).compilation_context
    pch = ctx.actions.declare_file(ctx.label.name + ".pch")
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        source_file = "-",
        output_file = pch.path,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts,
        include_directories = library.includes,
        system_include_directories = library.system_includes,
        preprocessor_defines = library.defines,
        use_pic = True,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = ACTION_NAMES.cpp_compile,
        variables = variables,
    )
    ctx.actions.run_shell(
        outputs = [pch],
        inputs = depset(ctx.files.headers, transitive = [library.headers, toolchain.all_files]),
        # From standard input, for the precompiled header names its source, and
        # Bazel refuses the absolute path of a file that it knows as a relative one.
        command = "cat " + " ".join([header.path for header in ctx.files.headers]) + " | \"$@\"",
        # Templates instantiated once, here: most of a LibTorch compilation. No time
        # stamps, so that the file is the same wherever Bazel's cache brings it.
        arguments = [
            toolchain.compiler_executable,
            "-x",
            "c++-header",
            "-fpch-instantiate-templates",
            "-Xclang",
            "-fno-pch-timestamp",
        ] + flags,
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = ACTION_NAMES.cpp_compile,
            variables = variables,
        ),
        mnemonic = "CppPrecompile",
        # It knows the sizes of system headers, which no cache sees change, and may
        # name headers by absolute paths below this workspace's output base.
        execution_requirements = {"no-cache": "1"},
        progress_message = "Precompiling " + str(ctx.label),
    )
    return [
        DefaultInfo(files = depset([pch])),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset([pch]),
            defines = library.defines,
        )),
    ]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "headers": attr.label_list(allow_files = [".h"], mandatory = True),
        "copts": attr.string_list(),
        "libraries": attr.label_list(providers = [CcInfo], mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
