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
expect 2 "abacus" --checkpoint="$garbage" --device=abacus
expect 2 "threads" --checkpoint="$garbage" --threads=-1
expect 1 "nowhere.safetensors" --checkpoint=/nowhere.safetensors
expect 1 "$garbage" --checkpoint="$garbage"
expect_help checkpoint data output page frames lpips batch_size device threads set
finish
