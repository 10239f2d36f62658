#!/bin/bash
# What evaluate says to bad flags and bad files. Whole evaluations are in
# training/trainer_test.cc and evaluation/evaluation_test.cc.
program=pipelines/evaluate
. pipelines/app/program_testing.sh

garbage=$TEST_TMPDIR/garbage.safetensors
echo "this is no checkpoint" >"$garbage"

expect 2 "--checkpoint is needed"
expect 2 "unexpected argument 'stray'" --checkpoint="$garbage" stray
expect 2 "chekpoint" --chekpoint="$garbage"
expect 2 "--lpips is 'squeeze'; use alex or vgg" --checkpoint="$garbage" --lpips=squeeze
expect 2 "--batch_size must be 0 or more" --checkpoint="$garbage" --batch_size=-1
expect 2 "'big' is no size of frames; use 384, or 512x384" --checkpoint="$garbage" --model_size=big
expect 2 "override model.num_transforms=3: this field has no effect here" --checkpoint="$garbage" \
  --set model.num_transforms=3
expect 2 "abacus" --checkpoint="$garbage" --device=abacus
expect 2 "threads" --checkpoint="$garbage" --threads=-1
expect 2 "use 1 to 1024, or 0 for all cores" --checkpoint="$garbage" --threads=1000000000
expect 1 "nowhere.safetensors" --checkpoint=/nowhere.safetensors
expect 1 "$garbage" --checkpoint="$garbage"
# As a checkpoint of the original is used, which does not say its size.
pretrained=(--checkpoint=pipelines/pretrained/puppets-64.safetensors --print_config)
succeed "  width: 128" "${pretrained[@]}" --model_size=128x96
succeed "  frame_step: 5" "${pretrained[@]}" --set evaluation.frame_step=5
expect 2 "data.height is 100; use a multiple of 32" "${pretrained[@]}" --model_size=100
expect_help checkpoint data output page frames lpips batch_size model_size print_config device threads set
finish
