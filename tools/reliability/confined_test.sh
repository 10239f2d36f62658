#!/bin/bash
# Hostile media files open nothing. Skips where strace is missing.
said=$(tools/reliability/confined.sh tools/reliability/read_media "$TEST_TMPDIR/samples")
code=$?
echo "$said"
[[ $code -ne 3 ]] || exit 0
[[ $code -eq 0 ]] || exit 1
grep -q "secret.png\b.*a frame is read" <<<"$said" && exit 1
grep -q "good.png: a frame is read" <<<"$said" || exit 1
grep -q "dash.mp4 is a playlist\|dash.mp4 .*names other files\|dash.mp4 is not" <<<"$said"
