#!/bin/bash
# register_images as a user runs it, at small size.
program=tools/register_images
. pipelines/app/program_testing.sh
moving=pipelines/pretrained/puppet.png
fixed=$TEST_TMPDIR/puppets/train/00000.png
out=$TEST_TMPDIR/out
tools/make_puppets --output "$TEST_TMPDIR/puppets" --size 32 --train 1 --test 0 \
  --frames 2 >"$TEST_TMPDIR/log" 2>&1 || complain "$(<"$TEST_TMPDIR/log")"

# A picture is like itself.
succeed "difference 0.0000, was 0.0000" --moving "$moving" --fixed "$moving" \
  --output "$out" --side 16 --cells 1,2
expect_files "$out"/{warped,grid,field}.png

# The fixed one is two frames beside each other: of another size and aspect.
succeed "$out/fixed" --moving "$moving" --fixed "$fixed" --output "$out/fixed" \
  --side 16 --cells 2 --noise 0.05 --zero_boundary
expect_files "$out"/fixed/{warped,grid,field}.png

# Of pictures that are there none is replaced.
cp "$moving" "$TEST_TMPDIR/me.png"
for name in warped grid field; do
  expect_safe_output "$TEST_TMPDIR/safe/$name.png" "$TEST_TMPDIR/me.png" \
    --moving "$TEST_TMPDIR/me.png" --fixed "$fixed" --output "$TEST_TMPDIR/safe" \
    --side 16 --cells 1
  rm "$TEST_TMPDIR"/safe/*
done

echo mine >"$TEST_TMPDIR/file"
pair=(--moving "$moving" --fixed "$fixed")
out=$TEST_TMPDIR/none
cp "$moving" "$TEST_TMPDIR/safe/grid.png"
expect 2 "is the input" --moving "$moving" --fixed "$TEST_TMPDIR/safe/grid.png" \
  --output "$TEST_TMPDIR/safe" --overwrite
expect 2 "--moving, --fixed and --output are needed" --moving "$moving"
expect 2 "unexpected argument 'stray'" "${pair[@]}" --output "$out" stray
expect 2 "--cells is '2,3'" "${pair[@]}" --output "$out" --cells 2,3
expect 2 "--cells is '2,x'" "${pair[@]}" --output "$out" --cells 2,x
expect 2 "--cells is '64'" "${pair[@]}" --output "$out" --cells 64
expect 2 "--cells is '0'" "${pair[@]}" --output "$out" --cells 0
expect 2 "--side is 8; use 16 or more" "${pair[@]}" --output "$out" --side 8
expect 2 "--noise is 0; use a number above 0" "${pair[@]}" --output "$out" --noise 0
expect 1 "nowhere.png" --moving /nowhere.png --fixed "$fixed" --output "$out"
expect 1 "file" "${pair[@]/$moving/$TEST_TMPDIR/file}" --output "$out"
expect_none "$out"
expect 1 "file/below" "${pair[@]}" --output "$TEST_TMPDIR/file/below" --side 16
expect_help moving fixed output overwrite cells side noise zero_boundary
finish
