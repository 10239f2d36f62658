#!/bin/bash
# bounded_memory at small size: two short videos.
program=tools/reliability/bounded_memory
. pipelines/app/program_testing.sh

# 125 frames more; of some 320 MB they took 3 % more when this was written. Each
# that is kept whole, at 256x256, would take another 8 %.
succeed "6 s: " --seconds 6 --short_seconds 1 --percent 8 \
  --folder "$TEST_TMPDIR/memory"
expect 1 "the long video takes more memory" --seconds 0.4 --short_seconds 0.2 \
  --percent -99 --folder "$TEST_TMPDIR/memory"
expect_help seconds short_seconds size percent folder
finish
