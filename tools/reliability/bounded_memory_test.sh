#!/bin/bash
# bounded_memory at small size: two short videos.
program=tools/reliability/bounded_memory
. pipelines/app/program_testing.sh

# Small videos differ by what a process takes once.
succeed "1 s: " --seconds 1 --short_seconds 0.2 --percent 60 \
  --folder "$TEST_TMPDIR/memory"
expect 1 "the long video takes more memory" --seconds 0.4 --short_seconds 0.2 \
  --percent -99 --folder "$TEST_TMPDIR/memory"
expect_help seconds short_seconds size percent folder
finish
