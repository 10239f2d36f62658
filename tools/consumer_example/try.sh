#!/usr/bin/env bash
# Builds and runs the programs of this folder in a workspace of their own, whose
# WORKSPACE and .bazelrc are the text of LIBRARIES.md:
#
#   tools/consumer_example/try.sh
#
# Needs what tools/bazelw installs. The workspace is a new folder in $TMPDIR or
# /tmp, with an output folder of its own, and is removed at the end.
set -euo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

# Bazel and LibTorch are chosen as tools/bazelw does. A Bazelisk that is earlier
# in PATH would take a release without WORKSPACE.
bazel_program=/usr/bin/bazel
[[ -x "$bazel_program" ]] || bazel_program=bazel
if [[ "${LIBTORCH:-}" == pip:* ]]; then
  version=${LIBTORCH#pip:}
  LIBTORCH="${XDG_CACHE_HOME:-$HOME/.cache}/cpab_animation/libtorch/$version/torch"
  [[ -d "$LIBTORCH" ]] || {
    echo >&2 "$LIBTORCH is not there; install it by: LIBTORCH=pip:$version tools/bazelw version"
    exit 1
  }
fi
if [[ -n "${LIBTORCH:-}" ]]; then
  LIBTORCH=$(realpath -ms "$LIBTORCH")
  export LIBTORCH
fi

folder=$(mktemp -d)
bazel() { (cd "$folder" && command "$bazel_program" --output_user_root="$folder/output" "$@"); }
trap 'bazel shutdown >/dev/null 2>&1; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT

# The indented block of LIBRARIES.md that follows the line "In `NAME`:".
block() {
  awk -v head="In \`$1\`:" '
    $0 == head { found = 1; next }
    found && /^    / { print substr($0, 5); inside = 1; next }
    found && inside && /^$/ { print; next }
    found && inside { exit }' "$root/LIBRARIES.md"
}

block WORKSPACE | sed "s|/path/to/cpab_animation|$root|" >"$folder/WORKSPACE"
block .bazelrc >"$folder/.bazelrc"
# As LIBRARIES.md says.
if grep -qs 'C++20 or later' "${LIBTORCH:-}/include/torch/csrc/api/include/torch/all.h"; then
  sed -i 's/c++17/c++20/g' "$folder/.bazelrc"
fi
for file in WORKSPACE .bazelrc; do
  [[ -s "$folder/$file" ]] || {
    echo >&2 "LIBRARIES.md has no block for $file: a line 'In \`$file\`:' and indented text"
    exit 1
  }
done
cp "$root"/tools/consumer_example/{BUILD,*.cc} "$folder/"

# A pkg-config of another prefix, as a Python environment has it, is not asked.
mkdir "$folder/bin"
printf '#!/bin/sh\nexit 1\n' >"$folder/bin/pkg-config"
chmod +x "$folder/bin/pkg-config"
export PATH="$folder/bin:$PATH"

# Whoever calls this may share compiled files with other builds.
options=(--noshow_progress --color=no ${CPAB_DISK_CACHE:+--disk_cache="$CPAB_DISK_CACHE"})
failed=0
for program in warp_points learn_warp embed_image animate_still; do
  start=$SECONDS
  if bazel run "${options[@]}" "//:$program" >"$folder/$program.log" 2>&1; then
    echo "$program: built and run in $((SECONDS - start)) s: $(tail -1 "$folder/$program.log")"
  else
    failed=1
    cat "$folder/$program.log"
    echo "$program: FAILED"
  fi
done
exit "$failed"
