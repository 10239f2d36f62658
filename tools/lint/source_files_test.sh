#!/bin/bash
# source_files on a system without git, as a bare one is.
set -euo pipefail
. tools/lint/source_tree.sh
git() { return 127; }
source_tree="$TEST_TMPDIR/tree"
mkdir -p "$source_tree"/{.git,.ci,a,out}
touch "$source_tree"/{.bazelrc,.ci/run,.git/config,a/b.cc,a/b.h,out/c.cc}
ln -s out "$source_tree/bazel-out"
found=$(source_files '' | tr '\n' ' ')
[[ "$found" == ".bazelrc .ci/run a/b.cc a/b.h out/c.cc " ]] || {
  echo "source_files: $found"
  exit 1
}
[[ "$(source_files .h)" == a/b.h ]]
