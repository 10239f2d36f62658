#!/bin/bash
# Makes the mistakes of mistakes.txt and checks what the programs say: the exit
# code, and one line with what is wrong, no stack trace.
#
#   tools/bazelw run //tools/reliability:mistakes -- [EVERY]
#
# EVERY: each EVERYth of them alone; all by default.
#
# Prints what differs, and a line of README.md's table. Ends with 1 if anything
# differs or nothing was tried.
set -u

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

[[ "${1:-}" != @(--help|-h) ]] || { usage; exit 0; }
every=${1:-1}
[[ $every =~ ^[1-9][0-9]*$ ]] || {
  echo "mistakes: EVERY is '$every'; use 1 or more" >&2
  exit 2
}
programs=$PWD
F=$(mktemp -d)
export F CPAB_USER_DIRECTORY=$F XDG_CACHE_HOME=$F/cache HOME=$F/home
trap 'rm -rf "$F"' EXIT

make_files() {
  local pretrained=$programs/pipelines/pretrained
  cp "$pretrained/puppet.png" ok.png
  cp "$pretrained/dance.mp4" ok.mp4
  cp "$pretrained/puppets-128.safetensors" ok.safetensors
  chmod u+w ok.*
  for name in empty.png empty.mp4 empty.safetensors empty.txt empty.textproto; do : >$name; done
  for name in text.png text.mp4 text.csv text.npy garbage.safetensors; do echo "only text" >$name; done
  echo "<html><body>404: Not found</body></html>" >page.pth
  head -c 3000 ok.png >cut.png
  head -c 20000 ok.mp4 >cut.mp4
  head -c 100000 ok.safetensors >cut.safetensors
  { head -c 2000 ok.png; printf 'XXXX'; tail -c +2005 ok.png; } >crc.png
  { printf '\0\0\0\40ftypisom\0\0\2\0isomiso2avc1mp41'; printf '\0\0\0\10mdat'; } >sound.mp4
  echo '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>' >drawing.svg
  printf '#EXTM3U\n#EXTINF:1,\n/etc/passwd\n' >list.m3u8
  echo "http://127.0.0.1/a.png" >urls.txt
  mkdir -p folder folder.mp4 stills site pictures records no_test/train set/{train,test} set_text/{train,test}
  cp ok.png stills/a.png
  for place in no_test/train set/train set/test; do cp ok.mp4 $place/a.mp4; done
  for place in train test; do echo text >set_text/$place/a.png; done
  echo precious | tee there.mp4 there.npy there.json there.pth site/index.html pictures/warped.png >/dev/null
  ln -s ok.mp4 link.mp4
  echo 'modell { num_transforms: 3 }' >typo.textproto
  printf 'model {\n  num_transforms: }\n' >broken.textproto
  printf 'file_name,frame_number,x0,y0\na,0,1,1\n' >points.csv
  printf 'file,start,end\nok.mp4,0,0.2\n' | tee clips.csv >records/cut_clips.csv
}

# What is wrong with how the command ends, if anything.
differs() {
  local code=$1 words=$2 command=$3 said got
  said=$(cd "$programs" && eval "$command" 2>&1 >/dev/null </dev/null)
  got=$?
  if [[ $got != "$code" ]]; then
    echo "exit code $got, not $code: $said"
  elif [[ ${said#*: error: } != *"$words"* ]]; then # without the program's name
    echo "does not say '$words': $said"
  elif grep -q -E 'terminate called|c10::Error|frame #[0-9]|Exception raised' <<<"$said"; then
    echo "says a stack trace: $said"
  elif [[ $(grep -c ': error: ' <<<"$said") != 1 ]]; then
    echo "has no line of its own for the error: $said"
  fi
}

cd "$F" && make_files 2>/dev/null
mkdir -p home
number=0 tried=0 failures=0
while IFS='|' read -r code words command; do
  [[ $code == \#* || -z $command ]] && continue
  number=$((number + 1))
  ((number % every == 0)) || continue
  tried=$((tried + 1))
  wrong=$(differs "${code// /}" "$(sed 's/^ //; s/ $//' <<<"$words")" "$command")
  if [[ -n $wrong ]]; then
    failures=$((failures + 1))
    echo "$command: $wrong"
  fi
done <"$programs/tools/reliability/mistakes.txt"
echo "| mistakes | $tried of $number | $failures |"
exit $((failures > 0 || tried == 0))
