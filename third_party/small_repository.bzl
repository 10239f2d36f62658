"""A repository made of a few files of this one, in whatever workspace asks for it."""

def _small_repository_impl(repository_ctx):
    for package, build in repository_ctx.attr.packages.items():
        repository_ctx.file(package + "/BUILD" if package else "BUILD", build)
    for source, path in repository_ctx.attr.files.items():
        repository_ctx.symlink(source, path)

small_repository = repository_rule(
    implementation = _small_repository_impl,
    attrs = {
        "files": attr.label_keyed_string_dict(doc = "A file of ours to its path there."),
        "packages": attr.string_dict(doc = "A package to the text of its BUILD file."),
    },
    local = True,
)
