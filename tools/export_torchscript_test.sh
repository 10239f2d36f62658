#!/bin/bash
# export_torchscript as a user runs it, on the checkpoint of the repository.
program=tools/export_torchscript
. pipelines/app/program_testing.sh
checkpoint=pipelines/pretrained/puppets-128.safetensors
out=$TEST_TMPDIR/scripts

cp "$checkpoint" "$TEST_TMPDIR/mine.safetensors"
expect_safe_output "$out/detector.pt" "$TEST_TMPDIR/mine.safetensors" \
  --checkpoint "$TEST_TMPDIR/mine.safetensors" --output "$out"
grep -q "loaded again it differs by" "$TEST_TMPDIR/stdout" ||
  complain "said: $(<"$TEST_TMPDIR/stdout")"
expect_files "$out"/{detector,dense_motion,inpainting}.pt

echo "this is no checkpoint" >"$TEST_TMPDIR/garbage"
expect 2 "--checkpoint is missing"
expect 2 "unexpected argument 'stray'" --checkpoint "$checkpoint" stray
expect 1 "garbage" --checkpoint "$TEST_TMPDIR/garbage" --output "$TEST_TMPDIR/none"
expect 1 "garbage" --checkpoint "$checkpoint" --output "$TEST_TMPDIR/garbage"
expect_none "$TEST_TMPDIR/none"
expect_help checkpoint output overwrite
finish
