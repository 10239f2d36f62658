#!/bin/bash
# Shows that a media file is data: reads hostile ones under strace and looks at
# every file and address that is opened on the way.
#
#   tools/reliability/confined.sh READ_MEDIA FOLDER
#
#   READ_MEDIA   the built //tools/reliability:read_media
#   FOLDER       for the samples; made if it is not there
#
# Each sample names another file, or an address, in a way of its own. The other
# file must not be opened, no socket made and no program run. Ends with 0 if so,
# with 1 if not, with 3 where strace is not installed or may not trace.
set -uo pipefail

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

[[ "${1:-}" != @(--help|-h) ]] || { usage; exit 0; }
[[ $# -eq 2 ]] || { usage >&2; exit 2; }
read_media=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
cd "$folder" || exit 1

strace -f -o /dev/null true 2>/dev/null || {
  if command -v strace >/dev/null; then
    echo "confined: strace may not trace here, so nothing was tried. In a container, allow ptrace (--cap-add=SYS_PTRACE); to leave the test out, give --test_tag_filters=-strace"
  else
    echo "confined: strace is not there, so nothing was tried. Run: apt-get install strace"
  fi
  exit 3
}

# A picture of 8x8, of one colour.
victim=$folder/secret.png
base64 -d >"$victim" <<'PNG'
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4ISeHFTEMLQkAkL9BAbKfPiIAAAAASUVORK5CYII=
PNG
good=$folder/good.png
cp "$victim" "$good"

sample() { cat >"$folder/$1"; }

sample ffconcat.mp4 <<<"ffconcat version 1.0
file secret.png"
sample ffconcat-absolute.mp4 <<<"ffconcat version 1.0
file '$victim'"
for name in hls.mp4 hls.m3u8; do
  sample $name <<<"#EXTM3U
#EXT-X-TARGETDURATION:10
#EXTINF:10,
$victim
#EXT-X-ENDLIST"
done
sample hls-url.mp4 <<<"#EXTM3U
#EXT-X-TARGETDURATION:10
#EXTINF:10,
http://127.0.0.1:9/a.ts
#EXT-X-ENDLIST"
sample hls-protocols.mp4 <<<"#EXTM3U
#EXT-X-TARGETDURATION:10
#EXTINF:10,
concat:$victim|subfile,,start,0,end,9,,:$victim
#EXT-X-KEY:METHOD=AES-128,URI=\"file://$victim\"
#EXTINF:10,
data:text/plain;base64,AAAA
#EXT-X-ENDLIST"
sample dash.mp4 <<<"<?xml version=\"1.0\"?>
<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\">
<Period><AdaptationSet contentType=\"video\" mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1000\"><BaseURL>$victim</BaseURL></Representation></AdaptationSet></Period></MPD>"
sample imf.mp4 <<<"<?xml version=\"1.0\"?>
<!DOCTYPE a [<!ENTITY x SYSTEM \"file://$victim\">]>
<CompositionPlaylist xmlns=\"http://www.smpte-ra.org/schemas/2067-3/2016\">&x;</CompositionPlaylist>"
sample sdp.mp4 <<<"v=0
o=- 0 0 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=video 9 RTP/AVP 96
a=rtpmap:96 H264/90000"
sample rtsp.mp4 <<<"RTSPtextrtsp://127.0.0.1:9/a"
sample asf-redirect.wmv <<<"[Reference]
Ref1=http://127.0.0.1:9/a?MSWMExt=.asf"
sample asx.wmv <<<"<asx version=\"3.0\"><entry><ref href=\"file://$victim\"/></entry></asx>"
sample svg.png <<<"<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"9\" height=\"9\"><image xlink:href=\"file://$victim\" width=\"9\" height=\"9\"/></svg>"
sample movie.txt <<<"movie=$victim"
sample vobsub.idx <<<"# VobSub index file, v7 (do not modify this line!)
id: en, index: 0
timestamp: 00:00:00:000, filepos: 000000000"
sample avisynth.avs <<<"ImageSource(\"$victim\")"
# Names that are patterns of many, and what else they mean, which are no samples.
cp "$good" "$folder/%d.png"
cp "$victim" "$folder/1.png"
cp "$good" "$folder/frame*.png"
cp "$victim" "$folder/frame1.png"

# A QuickTime movie whose one frame lies in another file, by its data reference:
# an alias one folder up and one down. Boxes are texts with escapes for printf %b.
number() { # BYTES VALUE
  local shift
  for ((shift = 8 * ($1 - 1); shift >= 0; shift -= 8)); do
    printf '\\0%03o' $(($2 >> shift & 255))
  done
}
zeros() { number "$1" 0; }
box() { # TYPE CONTENT...
  local content
  content=$(printf %s "${@:2}")
  number 4 $((8 + $(printf %b "$content" | wc -c)))
  printf %s "$1" "$content"
}
name=${victim##*/}
alias="$(zeros 134)$(number 2 1)$(number 2 1)$(zeros 16)$(number 2 2)$(number 2 ${#name})$name$(number 2 65535)$(zeros 2)"
picture="$(zeros 6)$(number 2 1)$(zeros 16)$(number 2 8)$(number 2 8)$(zeros 46)$(number 2 24)$(number 2 65535)"
one="$(zeros 4)$(number 4 1)"
table=$(box stbl "$(box stsd "$one" "$(box 'png ' "$picture")")" \
  "$(box stts "$one" "$(number 4 1)" "$(number 4 1)")" \
  "$(box stsc "$one" "$(number 4 1)" "$(number 4 1)" "$(number 4 1)")" \
  "$(box stsz "$(zeros 4)" "$(number 4 "$(stat -c %s "$victim")")" "$(number 4 1)")" \
  "$(box stco "$one" "$(zeros 4)")")
minf=$(box minf "$(box dinf "$(box dref "$one" "$(box alis "$alias")")")" "$table")
mdhd=$(box mdhd "$(zeros 12)" "$(number 4 1)" "$(number 4 1)" "$(zeros 4)")
hdlr=$(box hdlr "$(zeros 4)" mhlrvide "$(zeros 13)")
printf %b "$(box ftyp 'qt  ' "$(zeros 4)" 'qt  ')" \
  "$(box moov "$(box trak "$(box mdia "$mdhd" "$hdlr" "$minf")")")" >"$folder/dref.mov"

# The first file has no trap: what is opened for it is what libraries open once.
samples=("$good")
for file in "$folder"/*; do
  case "$file" in
    "$good" | "$victim" | */1.png | */frame1.png | */trace | */said) ;;
    *) samples+=("$file") ;;
  esac
done
strace -f -s 4096 -o trace -e trace=open,openat,openat2,creat,access,faccessat,faccessat2,socket,connect,execve,unlink,rename \
  "$read_media" "${samples[@]}" >said 2>&1
code=$?
cat said
[[ $code -eq 0 ]] || { echo "confined: read_media ended with $code"; exit 1; }

wrong=0 number=-1
while IFS= read -r line; do
  if [[ $line == *'"/read_media: next file"'* ]]; then
    number=$((number + 1))
    continue
  fi
  [[ $number -ge 1 ]] || continue # start, and the file without a trap
  case "$line" in
    *open*"\"${samples[number]}\", O_RDONLY"*) ;;
    *'"/proc/'* | *'"/sys/devices/system/cpu'* | *'"/etc/localtime"'*) ;;
    *access*) ;;
    *open* | *creat* | *socket* | *connect* | *execve* | *unlink* | *rename*)
      echo "confined: ${samples[number]} did: $line"
      wrong=$((wrong + 1))
      ;;
  esac
done <trace
[[ $number -eq $((${#samples[@]} - 1)) ]] || { echo "confined: the trace lacks samples"; wrong=$((wrong + 1)); }
echo "confined: $((${#samples[@]} - 1)) hostile samples, $wrong other opens"
[[ $wrong -eq 0 ]]
