#!/bin/bash
# Shows that animate gives the same bytes each time, also on a busy machine.
#
#   tools/bazelw run //tools/reliability:equal_outputs -- [--runs N] [--frames N] [--busy N]
#
# Animates the bundled puppet N times (100) by some frames (5) of the bundled
# video, on one and on two threads in turn, while N processes (twice as many as
# there are cores) keep them busy. Each time the video, the frames as pictures and
# the keypoints must have the SHA-256 of the first time.
#
# Prints a line of a table; ends with 0 if all are equal, with 1 if not, with 2
# for a wrong command line.
set -u

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

[[ "${1:-}" != @(--help|-h) ]] || { usage; exit 0; }
runs=100 frames=5 busy=$((2 * $(nproc)))
while (($# > 0)); do
  [[ "$1" =~ ^--(runs|frames|busy)$ && "${2:-}" =~ ^[1-9][0-9]*$ ]] || {
    echo "equal_outputs: '$*' is not --runs N, --frames N or --busy N" >&2
    exit 2
  }
  declare "${1#--}=$2"
  shift 2
done

folder=$(mktemp -d)
busy_processes=()
# shellcheck disable=SC2317 # called by trap
leave() {
  ((${#busy_processes[@]} == 0)) || kill "${busy_processes[@]}"
  rm -rf "$folder"
}
trap leave EXIT
for ((i = 0; i < busy; ++i)); do
  while :; do :; done &
  busy_processes+=($!)
done

# The digests of what one run writes, always under the same names.
digests() {
  local output
  rm -rf "${folder:?}"/*
  for output in animation.mp4 frames; do
    pipelines/animate --quiet --overwrite --threads "$1" \
      --source "$PWD/pipelines/pretrained/puppet.png" \
      --driving "$PWD/pipelines/pretrained/dance.mp4" --max_frames "$frames" \
      --save_keypoints "$folder/keypoints.npy" --output "$folder/$output" ||
      return
  done
  (cd "$folder" && find . -type f -exec sha256sum {} + | sort -k 2)
}

failures=0
first=$(digests 1) || exit 1
for ((run = 1; run < runs; ++run)); do
  now=$(digests $((1 + run % 2)))
  [[ "$now" == "$first" ]] && continue
  diff <(echo "$first") <(echo "$now")
  failures=$((failures + 1))
done
echo "| animated again | $runs runs, $(wc -l <<<"$first") files each | $failures |"
((failures == 0))
