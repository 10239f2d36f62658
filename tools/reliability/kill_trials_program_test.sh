#!/bin/bash
# kill_trials as a user runs it: one trial. More of them run in
# kill_trials_test.cc.
program=tools/reliability/kill_trials
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
folder=$TEST_TMPDIR/trials

succeed "seed 4: " --trials 1 --first_seed 4 --folder "$folder" \
  --table "$TEST_TMPDIR/trials.md"
grep -q "^1 trials, .*: 1 ended with identical weights and losses, 0 did not" \
  "$TEST_TMPDIR/trials.md" || complain "$(<"$TEST_TMPDIR/trials.md")"

expect 2 "trials.md exists; give --overwrite" --table "$TEST_TMPDIR/trials.md"

# A folder of the user's is no place for trials, and stays as it is.
mkdir "$TEST_TMPDIR/home"
echo mine >"$TEST_TMPDIR/home/thesis.txt"
expect 1 "holds thesis.txt, which is no kill trial" --folder "$TEST_TMPDIR/home"
expect_files "$TEST_TMPDIR/home/thesis.txt"

expect 2 "--trials is 0; use 1 or more" --trials 0
expect 2 "unexpected argument 'stray'" stray
expect_help trials first_seed folder table overwrite
finish
