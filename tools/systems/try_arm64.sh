#!/usr/bin/env bash
# Compiles //cpab for arm64 on this machine and runs its tests under qemu-user:
#
#   tools/systems/try_arm64.sh [TARGET...]
#
#   TARGET     instead of all tests of //cpab without OpenCV and LibTorch
#
# Needs the Debian packages g++-aarch64-linux-gnu and qemu-user, no root. The
# libraries of arm64 are unpacked once into $XDG_CACHE_HOME/cpab_animation/arm64
# or ~/.cache/cpab_animation/arm64 (200 MB); nothing is installed in this system.
set -euo pipefail

readonly PACKAGES='libabsl-dev libc6-dev libeigen3-dev libgmock-dev libprotobuf-dev'
readonly PREFIX=aarch64-linux-gnu

fail() {
  echo >&2 "try_arm64: $1"
  exit "${2:-1}"
}

[[ "${1:-}" != -* ]] || {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  [[ "$1" == --help || "$1" == -h ]] || exit 2
  exit 0
}
targets=("$@")
[[ $# -gt 0 ]] || targets=(//cpab/... -//cpab/example/... -//cpab/image/... -//cpab/torch/...)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v $PREFIX-g++ >/dev/null || fail "no compiler for arm64. Run: apt-get install g++-$PREFIX"
command -v qemu-aarch64 >/dev/null || fail "no emulator of arm64. Run: apt-get install qemu-user"
command -v apt-get >/dev/null || fail "this system has no apt-get, from which the arm64 libraries come"

folder="${XDG_CACHE_HOME:-$HOME/.cache}/cpab_animation/arm64"
root="$folder/root"
tools="$folder/tools"

# apt-get with lists and packages of arm64 in a folder of its own.
apt_arm64() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o Dir::State="$folder/apt" -o Dir::State::status="$folder/apt/status" \
    -o Dir::Cache="$folder/apt/cache" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User= "$@"
}

unpack_libraries() {
  local package
  rm -rf "$root.new"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$root.new/usr/lib"
  : >"$folder/apt/status"
  ln -s usr/lib "$root.new/lib"
  apt_arm64 update
  # shellcheck disable=SC2086 -- a list
  apt_arm64 install --download-only --no-install-recommends -y $PACKAGES
  for package in "$folder"/apt/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -x --keep-directory-symlink --no-same-owner -C "$root.new"
  done
  rm -rf "$folder/apt"
  mv "$root.new" "$root"
}

# Bazel takes the first compiler, archiver and so on of PATH for this machine's.
make_tools() {
  local tool
  mkdir -p "$tools"
  # From Debian 13 on, ld.gold is a package that the compiler does not need.
  for tool in ar gcov ld nm objcopy objdump strip; do
    ln -sf "$(command -v $PREFIX-$tool)" "$tools/$tool"
  done
  printf '#!/bin/sh\nexec %s --sysroot=%s "$@"\n' "$(command -v $PREFIX-gcc)" "$root" >"$tools/gcc"
  chmod +x "$tools/gcc"
}

[[ -d "$root" ]] || unpack_libraries
make_tools
export PATH="$tools:$PATH" PKG_CONFIG_SYSROOT_DIR="$root"
export PKG_CONFIG_LIBDIR="$root/usr/lib/$PREFIX/pkgconfig:$root/usr/share/pkgconfig"
code=0
bazel() { tools/bazelw --output_base="$folder/bazel" --max_idle_secs=60 "$@"; }
bazel test --config=gcc --repo_env=CC="$tools/gcc" --build_tests_only --symlink_prefix=/ \
  --test_timeout=1800 \
  --run_under="qemu-aarch64 -L $root" -- "${targets[@]}" || code=$?
bazel shutdown
exit "$code"
