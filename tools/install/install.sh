#!/usr/bin/env bash
# Installs the programs below a folder:
#
#   tools/bazelw run //tools:install -- PREFIX
#
#   PREFIX/bin/cpab-*                 animate, train, evaluate, ablate, studio and
#                                     the tools
#   PREFIX/lib/cpab_animation/        the programs, configs, studies, studio's
#                                     page, the shipped checkpoint, its example
#   PREFIX/share/bash-completion/     completion of flags
#   PREFIX/share/man/man1/            manual pages
#
# They run from any folder, without Bazel and this source tree, as a user who may
# not write there. LibTorch, OpenCV and FFmpeg stay where they are. An earlier
# installation below PREFIX is replaced as a whole.
#
# It takes half a minute.
#
# Exit codes: 0 done, 1 PREFIX cannot be written, 2 not one PREFIX.
set -euo pipefail
# All may read what is made, also where files are closed to others by default.
umask 022

fail() {
  echo >&2 "install: error: $1"
  exit 1
}

# The comment at the head of this file.
usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

case "${1-}" in
  -h | --help)
    usage
    exit 0
    ;;
esac
mistake=
if [[ $# -eq 0 || -z "$1" ]]; then
  mistake="PREFIX is missing, the folder to install below."
elif [[ "$1" == -* ]]; then
  mistake="there is no flag $1. Give the folder alone."
elif [[ $# -gt 1 ]]; then
  mistake="there are $# arguments. Give one folder; quote a name with spaces."
fi
[[ -z "$mistake" ]] || {
  echo >&2 "install: error: $mistake"
  usage >&2
  exit 2
}
prefix="$1"
[[ "$prefix" == /* ]] || prefix="${CPAB_USER_DIRECTORY:-${BUILD_WORKING_DIRECTORY:-$PWD}}/$prefix"
# The first that is there, of PREFIX and the folders above it.
there="$prefix"
until [[ -e "$there" || -L "$there" ]]; do there=$(dirname "$there"); done
[[ -e "$there" ]] || fail "$there is a link to nothing. Name a folder."
[[ -d "$there" ]] || fail "$there is a file. Name a folder."
root="$prefix/lib/cpab_animation"
completions="$prefix/share/bash-completion/completions"
pages="$prefix/share/man/man1"
folders=("$prefix/bin" "$prefix/lib" "$completions" "$pages")
are_writable() {
  local folder
  for folder in "${folders[@]}" "$root"; do
    [[ ! -e "$folder" || -w "$folder" ]] || return 1
  done
}
{ mkdir -p "${folders[@]}" && are_writable &&
  new=$(mktemp -d "$prefix/lib/cpab_animation.XXXXXX"); } 2>/dev/null ||
  fail "$prefix cannot be written. Name a folder of yours, or run as root."

echo "install: copying the programs to $root"
# Bazel starts this script at the root of the files that the programs read.
trap 'rm -rf "$new"' EXIT
cp -RL --preserve=mode pipelines tools external "$new/"
rm -rf "$new/tools/install"
chmod -R u+w,go+rX "$new"
chmod 755 "$new"

programs=()
for program in "$new"/pipelines/* "$new"/tools/* "$new"/tools/*/*; do
  [[ -f "$program" && -x "$program" && "$program" != *.sh ]] || continue
  programs+=("${program#"$new"/}")
done

# manual_page NAME HELP: what the program's --help says, which is in columns
# already.
manual_page() {
  local help="$2"
  printf '.TH %s 1 "" "" "CPAB image animation"\n.SH NAME\n%s \\- %s\n.SH DESCRIPTION\n.nf\n' \
    "${1^^}" "$1" "$(head -n 1 <<<"$help" | sed 's/\.$//')"
  # What roff would take for its own: backslashes, dashes, dots in front.
  sed -e 's/\\/\\e/g;s/-/\\-/g;s/^\([.'"'"']\)/\\\&\1/' <<<"$help"
  echo .fi
}

# Of the earlier installation, also what this one has no more.
for link in "$prefix"/bin/cpab-*; do
  [[ "$(readlink "$link")" == ../lib/cpab_animation/* ]] || continue
  name=${link##*/}
  rm -f "$link" "$completions/$name" "$pages/$name.1"
done
rm -rf "$root"
mv "$new" "$root"
echo "install: writing manual pages and completions from the --help of each program"
for program in "${programs[@]}"; do
  name="cpab-$(basename "$program" | tr _ -)"
  completer="_${name//-/_}"
  ln -sfn "../lib/cpab_animation/$program" "$prefix/bin/$name"
  help=$("$prefix/bin/$name" --help)
  flags=$(sed -nE 's/^ +(--[a-z0-9_]+).*/\1/p' <<<"$help" | sort -u | tr '\n' ' ')
  cat >"$completions/$name" <<COMPLETION
# Flags of $name, as its --help listed them; file names otherwise.
$completer() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [[ "\$word" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "\$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "\$word")
  fi
}
complete -o filenames -F $completer $name
COMPLETION
  manual_page "$name" "$help" >"$pages/$name.1"
done
# in_closed_folder FILE: true if a folder above FILE may be entered by its owner
# or group alone.
in_closed_folder() {
  local folder="$1"
  while [[ "$folder" != / ]]; do
    folder=$(dirname "$folder")
    [[ $(stat -Lc %A "$folder") == *[xt] ]] || return 0
  done
  return 1
}

# A LibTorch of LIBTORCH=pip:VERSION is below the home folder of who built.
library=$(ldd "$prefix/bin/cpab-animate" | sed -n 's/.*libtorch_cpu.* => \(\/[^ ]*\).*/\1/p')
if [[ -n "$library" ]] && in_closed_folder "$library"; then
  echo >&2 "install: other users cannot run the programs, since they may not read $library. For them, build with a LibTorch that all may read: LIBTORCH=FOLDER, or LIBTORCH=pip:VERSION with XDG_CACHE_HOME=FOLDER."
fi
noun=programs
[[ ${#programs[@]} -gt 1 ]] || noun=program
echo "install: ${#programs[@]} $noun in $prefix/bin: $(for program in "${programs[@]}"; do printf ' cpab-%s' "$(basename "$program" | tr _ -)"; done)"
