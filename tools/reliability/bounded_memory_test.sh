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
expect 2 "--seconds is inf; use 0.1 to 1000000" --seconds inf
expect 2 "--short_seconds is 0; use 0.1 to 1000000" --short_seconds 0
expect 2 "--size is 0; use 16 to 4096" --size 0
expect 2 "--percent is nan; use a number" --percent nan
expect_help seconds short_seconds size percent folder
finish
