#!/bin/bash
# training_trials at small size; README.md has the figures of long runs.
program=tools/reliability/training_trials
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
export CPAB_USER_DIRECTORY=$TEST_TMPDIR/user TMPDIR=$TEST_TMPDIR/tmp
mkdir -p "$TMPDIR" "$CPAB_USER_DIRECTORY/trials"
echo mine >"$CPAB_USER_DIRECTORY/trials/steps"

succeed "| a run stops after each step | 1 | 0 |" --steps 2 --signals 0 --avd 0 \
  --disks 0 --worlds 0 --folder trials
succeed "| a signal at a random instant | 2 | 0 |" --steps 0 --signals 2 --avd 0 \
  --disks 0 --worlds 0
succeed "| a signal while an AVD network is trained | 1 | 0 |" --steps 0 \
  --signals 0 --avd 1 --disks 0 --worlds 0
if unshare --map-root-user --mount mount -t tmpfs none "$TMPDIR" 2>/dev/null; then
  succeed "| a disk is full, or read-only | 2 | 0 |" --steps 0 --signals 0 \
    --avd 0 --disks 2 --worlds 0
else
  echo "not tried: this system lets nobody mount a disk in memory"
fi
left=$(find "$TMPDIR" "$CPAB_USER_DIRECTORY" -name 'training_trials*')
[[ -z "$left" ]] || complain "left: $left"
[[ "$(ls "$CPAB_USER_DIRECTORY/trials")" == steps ]] ||
  complain "the user's folder holds: $(ls "$CPAB_USER_DIRECTORY/trials")"

# The seed decides the instants.
eval "$(sed -n '/^nap()/,/^}/p' tools/reliability/training_trials.sh)"
sleep() { echo "$1"; }
naps() { RANDOM=1; nap 1000; nap 1000; }
[[ "$(naps)" == "$(naps)" && -n "$(naps)" ]] || complain "naps: $(naps)"

expect 2 "training_trials: --steps is 'many'; use a number" --steps many
expect 2 "nothing is left to try" --steps 1 --signals 0 --avd 0 \
  --disks 0 --worlds 0
succeed "--steps N    length of the runs that stop" --help
expect_help
finish
