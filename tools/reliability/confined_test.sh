#!/bin/bash
# Hostile media files open nothing. Where nothing can be traced, this fails: a
# trial that was not made proves nothing.
said=$(tools/reliability/confined.sh tools/reliability/read_media "$TEST_TMPDIR/samples")
code=$?
echo "$said"
[[ $code -eq 0 ]] || exit 1
# Pictures, two of them with names that are patterns; nothing else has a frame.
read=$(sed -n 's|.*/\([^/]*\): a frame is read$|\1|p' <<<"$said" | sort | xargs)
[[ "$read" == "$(printf '%s\n' %d.png 'frame*.png' good.png | sort | xargs)" ]] || exit 1
grep -q "dash.mp4 is a playlist\|dash.mp4 .*names other files\|dash.mp4 is not" <<<"$said"
