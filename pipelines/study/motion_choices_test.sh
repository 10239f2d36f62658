#!/bin/bash
# motion_choices on the checkpoint that comes with the repository.
program=pipelines/study/motion_choices
. pipelines/app/program_testing.sh

pretrained=(--checkpoint=pipelines/pretrained/puppets-128.safetensors)
expect 2 "--checkpoint is needed"
expect 2 "'tps' is no motion model; use cpab" "${pretrained[@]}" --motions="cpab; tps"
expect 2 "unexpected argument 'stray'" "${pretrained[@]}" stray
expect 2 "this field has no effect here" "${pretrained[@]}" --set model.background=false
# That a tessellation has no velocity field shows before anything is measured.
expect 2 "admits no velocity field" "${pretrained[@]}" --motions="affine; cpab { cells_x: 1 \
  cells_y: 1 zero_boundary: true volume_preserving: true }"

export XDG_CACHE_HOME=$TEST_TMPDIR/cache
small=(--set data.puppets.num_test=1 --set data.puppets.frames_per_clip=3)
succeed "thin_plate_original " "${pretrained[@]}" "${small[@]}"
succeed "first frame " "${pretrained[@]}" "${small[@]}" --motions="affine; cpab { cells_x: 6 }"
# The training clips are not made.
expect_files "$XDG_CACHE_HOME"/cpab_animation/puppets*-128-1+1x3-seed*/manifest.json
expect_help checkpoint data model_size motions device threads set
finish
