"""Targets that stand for what is installed outside the workspace."""

def _cc_info(ctx, compilation_context, linkopts):
    link = cc_common.create_linking_context(linker_inputs = depset([
        cc_common.create_linker_input(owner = ctx.label, user_link_flags = depset(linkopts)),
    ]))
    return CcInfo(compilation_context = compilation_context, linking_context = link)

def _system_cc_library_impl(ctx):
    compile = cc_common.create_compilation_context(
        system_includes = depset(ctx.attr.includes),
        defines = depset(ctx.attr.defines),
    )
    return [_cc_info(ctx, compile, ctx.attr.linkopts)]

system_cc_library = rule(
    doc = "A library in the compiler's own folders, or in absolute ones below them.",
    implementation = _system_cc_library_impl,
    attrs = {
        "debian_package": attr.string(),
        "defines": attr.string_list(),
        "includes": attr.string_list(),
        "linkopts": attr.string_list(),
    },
    provides = [CcInfo],
)

def _failing_action(ctx, name):
    output = ctx.actions.declare_file(name)
    ctx.actions.run_shell(
        outputs = [output],
        command = "echo >&2 \"$1\"; exit 1",
        arguments = [ctx.attr.message or (
            "The library '%s' is not installed. Install it with: apt-get install %s (tools/bazelw does this for you)" %
            (ctx.label.name, ctx.attr.debian_package)
        )],
        mnemonic = "MissingLibrary",
        progress_message = "Looking for the library " + ctx.label.name,
    )
    return output

def _missing_library_impl(ctx):
    header = _failing_action(ctx, ctx.label.name + "_is_not_installed.h")
    return [
        # Of what has it in `data`.
        DefaultInfo(runfiles = ctx.runfiles(files = [header])),
        _cc_info(ctx, cc_common.create_compilation_context(headers = depset([header])), []),
    ]

missing_library = rule(
    doc = "Fails whatever is compiled against it, saying what to install.",
    implementation = _missing_library_impl,
    attrs = {
        "debian_package": attr.string(),
        "message": attr.string(doc = "Instead of the usual sentence."),
    },
    provides = [CcInfo],
)

def _system_program_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        script,
        """#!/bin/sh
test -x {path} || {{ echo >&2 "{path} is not installed. Install it with: apt-get install {package}"; exit 1; }}
exec {path} "$@"
""".format(path = ctx.attr.path, package = ctx.attr.debian_package),
        is_executable = True,
    )
    return [DefaultInfo(executable = script)]

system_program = rule(
    doc = "A program of the system, for use as a tool in actions.",
    implementation = _system_program_impl,
    attrs = {
        "debian_package": attr.string(),
        "path": attr.string(mandatory = True),
    },
    executable = True,
)
