#!/bin/bash
# warp_image as a user runs it, at small size.
program=tools/warp_image
. pipelines/app/program_testing.sh
image=pipelines/pretrained/puppet.png
none=$TEST_TMPDIR/none.webp
move="104,161,80,140; 30,30,30,30"

succeed "(104, 161) -> (80.0, 140.0), wanted (80, 140)" --image $image --move "$move" --output "$TEST_TMPDIR/still.png"
[[ ! -s $TEST_TMPDIR/stderr ]] || complain "of points that arrive it says: $(<"$TEST_TMPDIR/stderr")"
succeed "still_grid.jpg" --image $image --move "$move" --output "$TEST_TMPDIR/still_grid.jpg" --grid
succeed "film.webp" --image $image --move "$move" --output "$TEST_TMPDIR/film.webp" --grid --seconds 0.2
succeed "film.mp4" --image $image --move "$move" --output "$TEST_TMPDIR/film.mp4" --seconds 0.2 --nozero_boundary --cells 2
succeed "frames" --image $image --move "$move" --output "$TEST_TMPDIR/frames" --seconds 0.2
expect_files "$TEST_TMPDIR"/{still.png,still_grid.jpg,film.webp,film.mp4} "$TEST_TMPDIR"/frames/00000{0..4}.png
# Of five frames, the third and the fourth are the same and shown as one.
[[ $(grep -a -o ANMF "$TEST_TMPDIR/film.webp" | wc -l) == 4 ]] || complain "film.webp has not 4 frames"
# The picture moves.
cmp -s "$TEST_TMPDIR"/frames/00000{0,2}.png && complain "nothing moves"
# What is not met is said. With an open border a point may leave the picture.
succeed ", wanted (200, 100)" --image $image --move "100,100,200,100; 200,100,100,100" --output "$TEST_TMPDIR/swap.png"
grep -q "warning: point 1 was to go to (200, 100) and reached (.*, point 2 was to go to (100, 100) .*; give more --cells" \
  "$TEST_TMPDIR/stderr" || complain "of points that do not arrive it says: $(<"$TEST_TMPDIR/stderr")"
grep -q -e --nozero_boundary "$TEST_TMPDIR/stderr" && complain "of points inside it says: $(<"$TEST_TMPDIR/stderr")"
succeed ", wanted (5, 5)" --image $image --move "0,0,5,5" --output "$TEST_TMPDIR/corner.png"
grep -q -e "or --nozero_boundary" "$TEST_TMPDIR/stderr" ||
  complain "of a point on the border it says: $(<"$TEST_TMPDIR/stderr")"
succeed ", wanted (260, 100)" --image $image --move "200,100,260,100" --output "$TEST_TMPDIR/out.png" --nozero_boundary

cp $image "$TEST_TMPDIR/me.png"
expect_safe_output "$TEST_TMPDIR/safe/film.webp" "$TEST_TMPDIR/me.png" \
  --image "$TEST_TMPDIR/me.png" --move "$move" --output "$TEST_TMPDIR/safe/film.webp" --seconds 0.2

expect 2 "--image is missing" --move "$move" --output "$none"
expect 2 "--move is missing" --image $image --output "$none"
expect 2 "'1,2,3' is no pair" --image $image --move "1,2,3" --output "$none"
expect 2 "'1,2,3,x' is no pair" --image $image --move "1,2,3,4;1,2,3,x" --output "$none"
expect 2 "'1,2,3,nan' is no pair" --image $image --move "1,2,3,nan" --output "$none"
use="use x from 0 to 255 and y from 0 to 255"
expect 2 "--move: point 2 starts at (5000, 9), outside the picture; $use" --image $image --move "9,9,9,9; 5000,9,9,99" --output "$none"
expect 2 "--move: point 1 is to go to (1500, 60), outside the picture; $use" --image $image --move "120,80,1500,60" --output "$none"
expect 2 "(1500, 60), more than a side away from the picture" --image $image --move "120,80,1500,60" --output "$none" --nozero_boundary
expect 2 "points 1 and 3 both start at (9, 9)" --image $image --move "9,9,9,9; 8,8,8,8; 9,9,99,9" --output "$none"
expect 2 "points 1 and 2 both go to (9, 9)" --image $image --move "9,9,9,9; 8,8,9,9" --output "$none"
for cells in 0 17; do
  expect 2 "--cells is $cells; use 1 to 16" --image $image --move "$move" --output "$none" --cells $cells
done
expect 2 "--seconds is 0" --image $image --move "$move" --output "$none" --seconds 0
expect 2 "--seconds is 30, which has no effect on a picture" --image $image --move "$move" --output "$none.png" --seconds 30
expect 2 "--output is empty" --image $image --move "$move" --output ""
expect 2 "unexpected argument 'stray'" --image $image --move "$move" --output "$none" stray
expect 1 "/nowhere.png" --image /nowhere.png --move "$move" --output "$none"
expect 2 "unknown ending" --image $image --move "$move" --output "$TEST_TMPDIR/film.xyz"
expect_none "$none" "$none.png" "$TEST_TMPDIR/film.xyz"
expect_help image move output grid cells zero_boundary seconds overwrite
finish
