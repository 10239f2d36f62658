#!/bin/bash
# Every C++ file of the source tree is as clang-format and .clang-format make it.
set -euo pipefail
. tools/lint/source_tree.sh

# The version that the tree is formatted with, Debian 12's. Others lay some lines
# out differently, so they check nothing unless CLANG_FORMAT names one.
readonly VERSION=14

format=${CLANG_FORMAT:-}
for name in "clang-format-$VERSION" clang-format; do
  [[ -n "$format" ]] || format=$(command -v "$name" || true)
done
[[ -n "$format" ]] || {
  echo "clang-format is not installed. Install it with: apt-get install clang-format (tools/bazelw does this for you)"
  exit 1
}
found=$("$format" --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [[ "$found" != "$VERSION" && -z "${CLANG_FORMAT:-}" ]]; then
  echo "not checked: this is clang-format $found, and the tree is formatted with $VERSION. Name that one by --test_env=CLANG_FORMAT=PATH."
  exit 0
fi

# Without this a clang-format that accepts everything would pass.
if "$format" --style=file --dry-run --Werror --assume-filename="$source_tree/a.cc" \
  <<<'int  *a ;' 2>/dev/null; then
  echo "$format: accepts 'int  *a ;'"
  exit 1
fi

cd "$source_tree"
source_files .cc .cu .h >"$TEST_TMPDIR/files"
echo "$(wc -l <"$TEST_TMPDIR/files") files, clang-format $found"
if ! xargs -d '\n' -P "$(nproc)" -n 50 "$format" --style=file --dry-run --Werror \
  <"$TEST_TMPDIR/files" >"$TEST_TMPDIR/said" 2>&1; then
  cat "$TEST_TMPDIR/said"
  echo
  echo "To format them:"
  sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error: .*/\1/p' "$TEST_TMPDIR/said" |
    sort -u | xargs -d '\n' echo "  $format -i"
  exit 1
fi
