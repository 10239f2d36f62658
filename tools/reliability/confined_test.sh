#!/bin/bash
# Hostile media files open nothing. Where nothing can be traced, this fails: a
# trial that was not made proves nothing.
said=$(tools/reliability/confined.sh tools/reliability/read_media "$TEST_TMPDIR/samples")
code=$?
echo "$said"
[[ $code -eq 0 ]] || exit 1
grep -q "secret.png\b.*a frame is read" <<<"$said" && exit 1
grep -q "good.png: a frame is read" <<<"$said" || exit 1
grep -q "dash.mp4 is a playlist\|dash.mp4 .*names other files\|dash.mp4 is not" <<<"$said"
