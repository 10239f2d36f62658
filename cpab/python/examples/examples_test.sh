#!/bin/bash
# Runs the examples at small size and checks the numbers that they print.
set -euo pipefail
cd cpab/python/examples

# number TEXT PATTERN: the number that stands for "(...)" in a line of the text.
number() {
  sed -n "/$2/{s/.*$2.*/\1/p;q}" <<<"$1"
}
# less A B: whether A < B.
less() {
  [[ $1 =~ ^-?[0-9] && $2 =~ ^-?[0-9] ]] || {
    echo "'$1' and '$2' are not numbers"
    exit 1
  }
  awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 < b + 0) }' || {
    echo "$1 is not less than $2"
    exit 1
  }
}

# A picture's path is from where the user stands. Without matplotlib, which may
# be missing here.
path() {
  /usr/bin/python3 -B -c 'import picture; print(picture.arguments("").picture)' --picture "$1"
}
[[ $(BUILD_WORKING_DIRECTORY=/stands path a.png) == /stands/a.png ]]
[[ $(BUILD_WORKING_DIRECTORY=/bazel CPAB_USER_DIRECTORY=/stands path a.png) == /stands/a.png ]]
[[ $(BUILD_WORKING_DIRECTORY=/stands path /b/a.png) == /b/a.png ]]

said=$(./warp_image --size 32)
echo "$said"
less "$(number "$said" 'there and back: \(.*\)')" 1e-10

said=$(./fit_landmarks --size 32)
echo "$said"
less "$(number "$said" 'met to \([^ ]*\)')" 1e-3
less 0 "$(number "$said" 'least determinant: \(.*\)')"

said=$(./augment --size 32 --count 2)
echo "$said"
[[ $(grep -c 'gives the same images: True' <<<"$said") == 2 ]]
less "$(number "$said" 'areas kept: areas change by up to a factor of \(.*\)')" 1.0005

said=$(./activation --steps 20)
echo "$said"
less "$(number "$said" 'differences: \(.*\)')" 1e-4

said=$(./align_signals --steps 25 --count 16 --size 64)
echo "$said"
less "$(number "$said" 'loss: .* -> \(.*\)')" "$(number "$said" 'loss: \([^ ]*\)')"
less "$(number "$said" 'within a class: .* -> \(.*\)')" "$(number "$said" 'within a class: \([^ ]*\)')"
