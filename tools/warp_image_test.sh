#!/bin/bash
# warp_image as a user runs it, at small size.
program=tools/warp_image
. pipelines/app/program_testing.sh
image=pipelines/pretrained/puppet.png
none=$TEST_TMPDIR/none.webp
move="104,161,80,140; 30,30,30,30"

succeed "(104, 161) -> (80.0, 140.0)" --image $image --move "$move" --output "$TEST_TMPDIR/still.png"
succeed "still_grid.jpg" --image $image --move "$move" --output "$TEST_TMPDIR/still_grid.jpg" --grid
succeed "film.webp" --image $image --move "$move" --output "$TEST_TMPDIR/film.webp" --grid --seconds 0.2
succeed "film.mp4" --image $image --move "$move" --output "$TEST_TMPDIR/film.mp4" --seconds 0.2 --nozero_boundary --cells 2
succeed "frames" --image $image --move "$move" --output "$TEST_TMPDIR/frames" --seconds 0.2
expect_files "$TEST_TMPDIR"/{still.png,still_grid.jpg,film.webp,film.mp4} "$TEST_TMPDIR"/frames/00000{0..4}.png
# Of five frames, the third and the fourth are the same and shown as one.
[[ $(grep -a -o ANMF "$TEST_TMPDIR/film.webp" | wc -l) == 4 ]] || complain "film.webp has not 4 frames"
# The picture moves.
cmp -s "$TEST_TMPDIR"/frames/00000{0,2}.png && complain "nothing moves"

cp $image "$TEST_TMPDIR/me.png"
expect_safe_output "$TEST_TMPDIR/safe/film.webp" "$TEST_TMPDIR/me.png" \
  --image "$TEST_TMPDIR/me.png" --move "$move" --output "$TEST_TMPDIR/safe/film.webp" --seconds 0.2

expect 2 "--image is needed" --move "$move" --output "$none"
expect 2 "--move is needed" --image $image --output "$none"
expect 2 "'1,2,3' is no pair" --image $image --move "1,2,3" --output "$none"
expect 2 "'1,2,3,x' is no pair" --image $image --move "1,2,3,4;1,2,3,x" --output "$none"
expect 2 "'1,2,3,nan' is no pair" --image $image --move "1,2,3,nan" --output "$none"
for cells in 0 17; do
  expect 2 "--cells is $cells; use 1 to 16" --image $image --move "$move" --output "$none" --cells $cells
done
expect 2 "--seconds is 0" --image $image --move "$move" --output "$none" --seconds 0
expect 2 "--output is empty" --image $image --move "$move" --output ""
expect 2 "unexpected argument 'stray'" --image $image --move "$move" --output "$none" stray
expect 1 "/nowhere.png" --image /nowhere.png --move "$move" --output "$none"
expect 2 "unknown ending" --image $image --move "$move" --output "$TEST_TMPDIR/film.xyz"
expect_none "$none" "$TEST_TMPDIR/film.xyz"
expect_help image move output grid cells zero_boundary seconds overwrite
finish
