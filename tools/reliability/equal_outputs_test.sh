#!/bin/bash
# equal_outputs at small size; README.md has the figure of a long run.
program=tools/reliability/equal_outputs
. pipelines/app/program_testing.sh
# Where the user stands, no file of the repository is.
export CPAB_USER_DIRECTORY=$TEST_TMPDIR

succeed "| animated again | 2 runs, 4 files each | 0 |" --runs 2 --frames 2 --busy 1
expect 2 "'--runs 0' is not --runs N, --frames N or --busy N" --runs 0
expect 2 "'--stray' is not --runs N, --frames N or --busy N" --stray
succeed "--runs N" --help
expect_help
finish
