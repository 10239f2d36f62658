#!/bin/bash
# The commands of README.md, as they are written there, with the real server and
# the shipped checkpoint.
set -euo pipefail

fail() {
  echo "$*" >&2
  cat "$folder/server.log" >&2
  exit 1
}

folder=$TEST_TMPDIR/curl
mkdir -p "$folder"
cp pipelines/pretrained/puppet.png pipelines/pretrained/dance.mp4 "$folder"
mkdir "$folder/mine, too" "$folder/runs"
touch "$folder/mine, too/mine.pth.tar"
tools/studio/studio --port 0 --data "$folder/data" --root "$folder/runs" \
  --checkpoints "$folder/mine, too" --device cpu >"$folder/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT

address=
for _ in $(seq 200); do
  address=$(grep -o 'http://[^ ]*' "$folder/server.log" || true)
  [[ -z "$address" ]] || break
  sleep 0.05
done
[[ -n "$address" ]] || fail "the server printed no address"
token=${address#*#}

commands=$(sed -n '/^```sh$/,/^```$/p' tools/studio/README.md | sed '/^```/d')
[[ "$commands" == *http://127.0.0.1:7878/api/v1* ]] ||
  fail "README.md has no commands"
commands=${commands//http:\/\/127.0.0.1:7878\//${address%#*}}

(cd "$folder" && eval "set -x; $commands") >"$folder/output" 2>"$folder/trace" ||
  fail "a command of README.md failed: $(tail -n 3 "$folder/trace")"

grep -q '"state":"done"' "$folder/output" ||
  fail "the events do not say that the job is done: $(cat "$folder/output")"
grep -q ftyp "$folder/animation.mp4" || fail "the result is no mp4"

curl -sf -H "Authorization: Bearer $token" "${address%#*}api/v1/checkpoints" | grep -q '"from":"folder"' ||
  fail "a folder of checkpoints with a comma in its name is not read"

said=$(tools/studio/studio --port 0 --data "$folder/data" --device cpu 2>&1) &&
  fail "a second server takes the same folder"
[[ "$said" == *"uses this folder for Studio; give --data another folder"* ]] ||
  fail "a second server says: $said"

# Ctrl-C ends the server as a success.
kill -INT $server
wait $server || fail "the server ended with $?"
grep -q "studio: ends" "$folder/server.log" || fail "it does not say that it ends"
