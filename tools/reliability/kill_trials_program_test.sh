#!/bin/bash
# kill_trials as a user runs it: one trial. More of them run in
# kill_trials_test.cc.
program=tools/reliability/kill_trials
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
# A user's own, with names as trials may have.
folder=$TEST_TMPDIR/home
mkdir -p "$folder/trial-1"
echo mine | tee "$folder/trial-1/thesis.txt" >"$folder/undisturbed"

# It kills its run once, early.
succeed "seed 5000000009: " --trials 1 --first_seed 5000000009 --folder "$folder" \
  --table "$TEST_TMPDIR/trials.md"
grep -q "^1 trials, .*: 1 ended with identical weights and losses, 0 did not" \
  "$TEST_TMPDIR/trials.md" || complain "$(<"$TEST_TMPDIR/trials.md")"

[[ $(cd "$folder" && find . -type f | sort | xargs) == "./trial-1/thesis.txt ./undisturbed" ]] ||
  complain "the user's folder holds: $(find "$folder")"

expect 2 "trials.md exists; give --overwrite" --table "$TEST_TMPDIR/trials.md"

expect 2 "--trials is 0; use 1 or more" --trials 0
expect 2 "unexpected argument 'stray'" stray
expect_help trials first_seed folder table overwrite
finish
