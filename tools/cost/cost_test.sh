#!/bin/bash
# Costs of a command that takes and holds as much as it is told; bad input is an
# error.
program=tools/cost/cost
. pipelines/app/program_testing.sh
out=$TEST_TMPDIR/out
none=$TEST_TMPDIR/none
copy=(/bin/dd if=/dev/zero of=/dev/null bs={}M count=2 status=none)

succeed "64 megabytes:" --values 1,64 --unit megabytes --output "$out" \
  -- "${copy[@]}"
expect_files "$out/cost.svg" "$out/cost.csv"
[[ $(<"$out/cost.svg") == *">dd<"*">Time in seconds<"*">megabytes<"*">Memory in MB<"*">megabytes<"* ]] ||
  complain "cost.svg lacks a title or a unit"
peak() { awk -F, -v amount="$1" '$1 == amount { print $4 }' "$out/cost.csv"; }
awk -v small="$(peak 1)" -v large="$(peak 64)" \
  'BEGIN { exit !(large - small > 60 && large - small < 66) }' ||
  complain "1 MB took $(peak 1) MB and 64 MB took $(peak 64)"

expect 2 "give --overwrite" --values 1,2 --output "$out" -- "${copy[@]}"
succeed "2 work:" --values 1,2 --output "$out" --overwrite -- "${copy[@]}"
succeed "2 frames, \"64x64\": " --values "1, 2" --unit 'frames, "64x64"' \
  --output "$out" --overwrite -- "${copy[@]}"
[[ $(head -n 1 "$out/cost.csv") == '"frames, ""64x64""",seconds,processor_seconds,peak_mb' ]] ||
  complain "cost.csv begins with $(head -n 1 "$out/cost.csv")"
[[ $(cut -d, -f1 "$out/cost.csv" | tail -n 2 | xargs) == "1 2" ]] ||
  complain "cost.csv holds: $(<"$out/cost.csv")"
expect 1 "ended with 3: /bin/sh -c exit 3" --values 3 --output "$none.1" \
  -- /bin/sh -c "exit {}"
expect 1 "/no/program: cannot start this program" --values 3 --output "$none.2" \
  -- /no/program {}
# What cannot be replaced shows before anything runs.
mkdir -p "$TEST_TMPDIR/taken/cost.svg"
expect 2 "taken/cost.svg" --values 3 --output "$TEST_TMPDIR/taken" --overwrite \
  -- /bin/sh -c "touch $none.ran; exit {}"
expect_none "$none.ran"
expect 2 "--values is '2,1'" --values 2,1 --output "$none" -- "${copy[@]}"
expect 2 "--values is ''" --output "$none" -- "${copy[@]}"
expect 2 "with {} in one of them" --values 1 --output "$none" -- /bin/true
expect 2 "--output is missing" --values 1 -- "${copy[@]}"
expect 2 "--repetitions is 0" --values 1 --output "$none" --repetitions 0 \
  -- "${copy[@]}"
expect_none "$none" "$none.1/cost.csv"
expect_help values unit title output repetitions overwrite
finish
