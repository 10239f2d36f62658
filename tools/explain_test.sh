#!/bin/bash
# explain as a user runs it: the example, other motion models and pairs, mistakes.
# Those in the pictures themselves are in explanation/read_pair_test.cc.
program=tools/explain
. pipelines/app/program_testing.sh
example=pipelines/pretrained
out=$TEST_TMPDIR/out
none=$TEST_TMPDIR/none
pictures=(keypoints candidates contributions motion occlusion result)
small=(--tile 64 --threads 1 --device cpu)

# expect_page FOLDER TEXT: a page that says TEXT, and all of its pictures.
expect_page() {
  local name
  expect_files "$1/index.html"
  grep -q "$2" "$1/index.html" || complain "$1/index.html does not say: $2"
  for name in "${pictures[@]}"; do
    expect_files "$1/$name.jpg"
    grep -q "src=\"$name.jpg\"" "$1/index.html" || complain "$1/index.html lacks $name.jpg"
  done
}

succeed "open $out/index.html" --output "$out" "${small[@]}" --frame 3
expect_page "$out" "as frame 3 of dance.mp4"
expect_page "$out" "keypoints as they are"

# Two pictures, by another motion model.
cp $example/puppet.png "$TEST_TMPDIR/me.png"
succeed "open $out/pair/index.html" "$TEST_TMPDIR/me.png" $example/puppet.png \
  --output "$out/pair" "${small[@]}" --motion thin_plate --crop none
expect_page "$out/pair" "a thin-plate spline"
expect_page "$out/pair" "keypoints as they are"
grep -q triangles "$out/pair/index.html" && complain "a spline has no triangles"

# A video that is not the example's. Every file is safe; the page stands for all.
video=("$TEST_TMPDIR/me.png" $example/dance.mp4 --output "$out/video" "${small[@]}" --frame 3)
expect_safe_output "$out/video/index.html" "$TEST_TMPDIR/me.png" "${video[@]}"
expect_page "$out/video" "The motion is relative"
rm "$out"/video/*
echo precious >"$out/video/candidates.jpg"
expect 2 "candidates.jpg exists; give --overwrite to replace it" "${video[@]}"

# A model that has learnt motion alone is named as such.
XDG_CACHE_HOME=$TEST_TMPDIR/cache pipelines/train --output "$TEST_TMPDIR/run" --threads 1 --device cpu \
  --set data.puppets.num_train=2 --set data.puppets.num_test=1 --set data.puppets.frames_per_clip=4 \
  --set data.height=32 --set data.width=32 --set model.num_transforms=2 --set model.detector.width=4 \
  --set model.dense_motion.block_expansion=4 --set model.dense_motion.max_features=8 \
  --set model.inpainting.block_expansion=4 --set model.inpainting.max_features=8 \
  --set losses.perceptual.width=4 --set 'losses.perceptual.scales=[1, 0.5]' \
  --set training.batch_size=2 --set training.max_steps=1 --set training.motion_steps=1 \
  >"$TEST_TMPDIR/train" 2>&1 || complain "train: $(<"$TEST_TMPDIR/train")"
succeed "open $out/run/index.html" --checkpoint "$TEST_TMPDIR/run" --output "$out/run" "${small[@]}" --frame 1
grep -q "^explain: warning: .*: nothing has learnt to paint yet" "$TEST_TMPDIR/stderr" ||
  complain "no warning: $(<"$TEST_TMPDIR/stderr")"

expect 2 "give SOURCE and DRIVING" $example/puppet.png --output "$none"
expect 2 "--frame is 'last'" --frame last --output "$none"
expect 2 "--mode: mode 'avd' is unknown" --mode avd --output "$none"
expect 2 "--motion: 'spline' is no motion model" --motion spline --output "$none"
expect 2 "--crop" --crop round --output "$none"
expect 2 "--model_size" --model_size big --output "$none"
expect 2 "--tile is 8; use 64 to 1024" --tile 8 --output "$none"
expect 2 "--output is empty" --output ""
expect 1 "there is no frame 500; it has 98 frames" --frame 500 --output "$none"
expect 1 "/nowhere.pth" --checkpoint /nowhere.pth --output "$none"
# OpenBLAS would wait for ever, without a word. Programs with a sanitizer or CUDA
# do not start under this limit.
(
  failures=0
  export OPENBLAS_NUM_THREADS=1 # each takes address space
  ulimit -v 900000
  "$program" --help >/dev/null 2>&1 || exit 0
  expect 129 "at least 1300 MB are needed" --output "$none" "${small[@]}"
  finish
) || complain "with a limit of address space"
expect_none "$none"
expect_help checkpoint frame mode motion crop model_size output tile overwrite device threads
finish
