#!/bin/bash
# bounded_memory at small size: two short videos.
program=tools/reliability/bounded_memory
. pipelines/app/program_testing.sh

# 40 frames more; of some 340 MB they took 4 % more when this was written. Each
# that is kept whole, at 512x512, would take another 9 %.
succeed "2 s: " --seconds 2 --short_seconds 0.4 --size 512 --percent 9 \
  --folder "$TEST_TMPDIR/memory"
expect 1 "the long video takes more memory" --seconds 0.2 --short_seconds 0.1 \
  --percent -99 --folder "$TEST_TMPDIR/memory"
expect 2 "--seconds is inf; use 0.1 to 1000000" --seconds inf
expect 2 "--short_seconds is 0; use 0.1 to 1000000" --short_seconds 0
expect 2 "--size is 0; use 16 to 4096" --size 0
expect 2 "--percent is nan; use a number" --percent nan
expect_help seconds short_seconds size percent folder
finish
