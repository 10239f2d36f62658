#!/bin/bash
# The tools for damaged files and long media at small size; README.md has the
# figures of long runs.
program=tools/reliability/media_mutations
. pipelines/app/program_testing.sh

succeed "300 trials from seed 5 on, 22 kinds: 0 failures" --trials 300 \
  --first_seed 5 --folder "$TEST_TMPDIR/mutations"
expect 2 "--trials is 0; use 1 or more" --trials 0
expect 2 "--seconds_each is nan; use more than 0" --seconds_each nan
expect 2 "--megabytes is 0; use 1 to 1000000" --megabytes 0
expect_help trials first_seed folder keep seconds_each megabytes

program=tools/reliability/parser_mutations
succeed "2000 trials from seed 5 on, 7 kinds: 0 failures" --trials 2000 \
  --first_seed 5 --folder "$TEST_TMPDIR/parsers"
expect_help trials first_seed folder keep seconds_each megabytes

program=tools/reliability/damaged_clips
succeed "125 damaged clips of 25 kinds: 0 failures" --trials 125 \
  --folder "$TEST_TMPDIR/damaged"
expect 2 "--trials is 0; use 1 or more" --trials 0
expect_help trials first_seed folder

program=tools/reliability/long_clips
succeed "variable, anew: 90 frames, drift 0.000000 s, " --seconds 3 \
  --folder "$TEST_TMPDIR/long"
expect 2 "--seconds is 0; use 1 to 1000000" --seconds 0
expect 2 "--seconds is inf; use 1 to 1000000" --seconds inf
expect_help seconds folder

finish
