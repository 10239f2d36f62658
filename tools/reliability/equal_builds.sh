#!/bin/bash
# Shows that two builds of the same sources are equal byte for byte.
#
#   tools/reliability/equal_builds.sh [--folder FOLDER] [TARGET...]
#   tools/reliability/equal_builds.sh --compare FOLDER FOLDER
#
# The first builds the targets twice from nothing, in two folders of other names
# and lengths, each with an output base of its own and without a disk cache, and
# compares all programs, libraries and object files that came out. The second
# only compares those in two folders.
#
# FOLDER is new or empty and holds both copies and their outputs, which are
# removed at the end; without it, they lie among temporary files. Without
# targets: //pipelines:animate, //pipelines:train and the Python module.
#
# Ends with 0 if all are equal, with 1 if not, with 2 for a wrong command line.
set -u

# Paths below the folder of all files that hold machine code, sorted.
binaries() {
  local path
  (cd "$1" && find . -type f -size +3c | LC_ALL=C sort) | while read -r path; do
    case "$(head -c 4 "$1/$path" | od -An -tx1 | tr -d ' \n')" in
      # ELF, an archive, a thin archive.
      7f454c46 | 213c6172 | 213c7468) echo "$path" ;;
    esac
  done
}

# Compares two folders: prints what differs and a last line of counts.
compare() {
  local one two path count=0 wrong=0
  one=$(binaries "$1")
  two=$(binaries "$2")
  if [[ -z "$one" ]]; then
    echo "$1: holds no programs, libraries or object files"
    return 1
  fi
  while read -r path; do
    echo "only one of the builds has $path"
    wrong=$((wrong + 1))
  done < <(LC_ALL=C comm -3 <(echo "$one") <(echo "$two") | tr -d '\t' | grep .)
  while read -r path; do
    count=$((count + 1))
    cmp "$1/$path" "$2/$path" || wrong=$((wrong + 1))
  done < <(LC_ALL=C comm -12 <(echo "$one") <(echo "$two"))
  echo "$count files that both builds have: $wrong failures"
  ((wrong == 0))
}

# build COPY BASE TARGET...: copies the sources of this folder and builds them.
build() {
  local copy=$1 base=$2
  shift 2
  mkdir -p "$copy" || return
  git ls-files -z | tar --null --files-from=- -cf - | tar -xf - -C "$copy" ||
    return
  (cd "$copy" &&
    tools/bazelw --output_base="$base" build --disk_cache= --noshow_progress \
      "$@" &&
    tools/bazelw --output_base="$base" shutdown)
}

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

folder=
targets=()
while (($# > 0)); do
  case "$1" in
    --compare)
      [[ $# == 3 && -d "$2" && -d "$3" ]] || { usage >&2; exit 2; }
      compare "$2" "$3"
      exit
      ;;
    --folder)
      [[ $# -ge 2 ]] || { usage >&2; exit 2; }
      folder=$2
      shift 2
      ;;
    --help | -h) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *)
      targets+=("$1")
      shift
      ;;
  esac
done
((${#targets[@]} > 0)) ||
  targets=(//pipelines:animate //pipelines:train //cpab/python:pycpab)
folder=$(realpath -m "${folder:-$(mktemp -d)}")
cd "$(dirname "$0")/../.." || exit
mkdir -p "$folder" || exit
if [[ -n "$(ls -A "$folder")" ]]; then
  echo "equal_builds: $folder is not empty; name a new folder" >&2
  exit 2
fi
remove() {
  chmod -R u+w "$folder"
  rm -rf "$folder"
}
trap remove EXIT
build "$folder/one" "$folder/base" "${targets[@]}" &&
  build "$folder/other/and/deeper" "$folder/another_base" "${targets[@]}" ||
  exit 1
compare "$folder/one/bazel-bin/" "$folder/other/and/deeper/bazel-bin/"
