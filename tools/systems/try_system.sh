#!/usr/bin/env bash
# Tries the repository on a bare Debian, as a newcomer would: makes one with
# debootstrap, runs the README's commands in it, reports times and counts.
#
#   tools/systems/try_system.sh SUITE [--keep] [--folder FOLDER] [--gcc] [-- TARGET...]
#
#   SUITE      a Debian suite: bookworm, trixie, ...
#   --folder   where the system is made; a system that is there is used again.
#              Without it, a new folder in $TMPDIR or /tmp.
#   --keep     leaves the folder (some 6 GB) for another look.
#   --gcc      compiles with g++ instead of Clang.
#   TARGET     what is tested instead of //..., as -- //cpab/... //losses/...
#
# Root is needed (chroot, mount); some 8 GB of disk; an hour on two cores.
# The committed state of this checkout is tried. Packages come from where this
# system's apt takes them, or from where $MIRROR says.
set -euo pipefail

fail() {
  echo >&2 "try_system: $1"
  exit "${2:-1}"
}

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

parse() {
  suite='' keep='' folder='' options=() targets=()
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --keep) keep=1 ;;
      --gcc) options+=(--config=gcc) ;;
      --folder) [[ -n "${2:-}" ]] || fail "--folder names no folder" 2; folder=$(realpath -m "$2"); keep=1; shift ;;
      --help | -h) usage; exit 0 ;;
      --) shift; targets=("$@"); break ;;
      -*) fail "$1 is no flag; see tools/systems/try_system.sh --help" 2 ;;
      *) [[ -z "$suite" ]] || fail "one suite at a time, not $suite and $1" 2; suite="$1" ;;
    esac
    shift
  done
  [[ -n "$suite" ]] || { usage >&2; exit 2; }
  [[ ${#targets[@]} -gt 0 ]] || targets=(//...)
}

check_machine() {
  [[ $EUID -eq 0 ]] || fail "root is needed to make and enter another system. Run: sudo tools/systems/try_system.sh $suite"
  command -v debootstrap >/dev/null || fail "debootstrap is not installed. Run: apt-get install debootstrap"
}

# Where this system's apt takes Debian from; nothing if that cannot be told.
mirror() {
  if [[ -n "${MIRROR:-}" ]]; then
    echo "$MIRROR"
  else
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/$' || true
  fi
}

make_system() {
  [[ -x "$root/usr/bin/apt-get" ]] ||
    debootstrap --variant=minbase "$suite" "$root" $(mirror) >"$log/debootstrap" 2>&1 ||
    fail "debootstrap could not make $suite; see $log/debootstrap"
  mkdir -p "$root/proc" "$root/dev" "$root/root"
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --rbind --make-rslave /dev "$root/dev"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  rm -rf "$root/root/cpab"
  git clone -q --no-hardlinks . "$root/root/cpab"
}

leave() {
  [[ -n "${root:-}" ]] || return 0
  # Its server would live on, and hold the folder.
  [[ ! -x "$root/usr/bin/bazel" ]] || run shutdown bazel shutdown >/dev/null || true
  umount -l "$root/proc" "$root/dev" 2>/dev/null || true
  if [[ -n "$keep" ]]; then
    echo "try_system: left $root"
  elif ! mountpoint -q "$root/dev" && ! mountpoint -q "$root/proc"; then
    rm -rf --one-file-system "$root"
  fi
}

# run NAME COMMAND...: in the other system, in its copy of the repository.
run() {
  local name="$1" start=$SECONDS code=0
  shift
  chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    bash -c 'cd /root/cpab && exec "$@"' bash "$@" >"$log/$name" 2>&1 || code=$?
  printf '%-28s exit %-3d %4d s   %s\n' "$*" "$code" $((SECONDS - start)) "$log/$name"
  return "$code"
}

count() {
  grep -cE "^//\S+ +(\(cached\) )?($1)" "$log/test" || true
}

versions() {
  chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' \
    clang g++ libtorch-dev libavcodec-dev libopencv-dev libabsl-dev libprotobuf-dev 2>/dev/null |
    tr '\n' ';' | sed 's/;/, /g;s/, $/\n/'
}

parse "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
check_machine
log=$(mktemp -d "${TMPDIR:-/tmp}/try_$suite.XXXXXX")
root="${folder:-$log/system}"
trap leave EXIT
mkdir -p "$root"
root=$(realpath "$root")
make_system
echo "try_system: $suite at $(git rev-parse --short HEAD), $(nproc) processors, logs in $log"
failed=0
run install tools/bazelw info release || failed=1
run animate tools/bazelw run "${options[@]}" //pipelines:animate || failed=1
run animate_again tools/bazelw run "${options[@]}" //pipelines:animate -- --overwrite || failed=1
run train tools/bazelw run "${options[@]}" //pipelines:train || failed=1
run train_again tools/bazelw run "${options[@]}" //pipelines:train -- --output runs/again || failed=1
run build tools/bazelw build "${options[@]}" --build_tests_only "${targets[@]}" || failed=1
run test tools/bazelw test "${options[@]}" "${targets[@]}" || failed=1
versions
echo "$(count 'PASSED|FLAKY') passed, $(count 'FAILED|TIMEOUT|NO STATUS|INCOMPLETE') failed"
exit "$failed"
