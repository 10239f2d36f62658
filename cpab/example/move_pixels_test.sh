#!/bin/bash
# Draws a white square, moves it by the example, and looks where it is.
set -eu
width=41 height=31
{
  printf 'P2\n%d %d\n255\n' $width $height
  for ((y = 0; y < height; ++y)); do
    for ((x = 0; x < width; ++x)); do
      ((x >= 9 && x <= 11 && y >= 14 && y <= 16)) && echo 255 || echo 0
    done
  done
} >"$TEST_TMPDIR/in.pgm"

output=$("$1" "$TEST_TMPDIR/in.pgm" "$TEST_TMPDIR/out.ppm" 10,15,20,18 30,15,30,15)
echo "$output"
[[ "$output" == *"(10, 15) -> (20.0, 18.0)"* ]]
[[ "$output" == *"(30, 15) -> (30.0, 15.0)"* ]]

# Red of a pixel; OpenCV's PPM ends with three bytes for each.
pixel() {  # x y
  tail -c $((3 * width * height)) "$TEST_TMPDIR/out.ppm" |
    od -An -tu1 -v -j $((3 * ($2 * width + $1))) -N 1 | tr -d ' '
}
moved=$(pixel 20 18) old=$(pixel 10 15)
echo "at (20, 18): $moved, at (10, 15): $old"
[[ $moved -gt 200 && $old -lt 50 ]]

# An output of no known kind is an error.
status=0
"$1" "$TEST_TMPDIR/in.pgm" "$TEST_TMPDIR/out" 10,15,20,18 2>"$TEST_TMPDIR/said" || status=$?
[[ $status == 1 && "$(<"$TEST_TMPDIR/said")" == "move_pixels: name OUTPUT "* ]]
