#!/bin/bash
# source_files on a system without git, as a bare one is.
set -euo pipefail
. tools/lint/source_tree.sh
git() { return 127; }
source_tree="$TEST_TMPDIR/tree"
mkdir -p "$source_tree"/{.git,.ci,a,a/__pycache__,a/runs,out,runs/demo}
touch "$source_tree"/{.bazelrc,.ci/run,.git/config,a/b.cc,a/b.h,a/runs/d.h,out/c.cc}
# What is ignored: links of Bazel, runs of the README's command.
touch "$source_tree"/{a/__pycache__/p.pyc,runs/demo/index.md}
ln -s out "$source_tree/bazel-out"
printf '%s\n' '/bazel-*' /runs __pycache__/ >"$source_tree/.gitignore"
found=$(source_files '' | tr '\n' ' ')
[[ "$found" == ".bazelrc .ci/run .gitignore a/b.cc a/b.h a/runs/d.h out/c.cc " ]] || {
  echo "source_files: $found"
  exit 1
}
[[ "$(source_files b.h)" == a/b.h ]]
