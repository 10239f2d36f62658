#!/bin/bash
# cpab_trials at small size; README.md has the figures of a long run.
program=tools/reliability/cpab_trials
. pipelines/app/program_testing.sh

succeed "| points | 3000 | 0 | " --points 3000 --fits 30
succeed "| fits | 30 | 0 | " --points 1 --fits 30 --first_seed 7
expect 2 "--points is 0; use 1 or more" --points 0
expect 2 "--fits is 0; use 1 or more" --fits 0
expect_help points fits first_seed
finish
