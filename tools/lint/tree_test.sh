#!/bin/bash
# The links, paths, commands and BUILD files of the source tree: see lint.cc.
set -euo pipefail
. tools/lint/source_tree.sh
source_files '' >"$TEST_TMPDIR/files"
tools/lint/lint "$source_tree" <"$TEST_TMPDIR/files"
