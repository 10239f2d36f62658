#!/bin/bash
# training_trials at small size; README.md has the figures of long runs.
program=tools/reliability/training_trials
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache

succeed "| a run stops after each step | 2 | 0 |" --steps 3 --signals 0 --worlds 0
succeed "| a signal at a random instant | 2 | 0 |" --steps 0 --signals 2 \
  --worlds 0 --folder "$TEST_TMPDIR/trials"
expect 2 "training_trials: --steps is 'many'; use a number" --steps many
touch "$TEST_TMPDIR/trials/mine"
expect 2 "is not empty; name a new folder" --folder "$TEST_TMPDIR/trials"
expect_none "$TEST_TMPDIR/trials/signals"
[[ -e "$TEST_TMPDIR/trials/mine" ]] || complain "a file of the user's is gone"
finish
