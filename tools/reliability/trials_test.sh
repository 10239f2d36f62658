#!/bin/bash
# Small shares of the trials that are programs; see README.md.
. pipelines/app/program_testing.sh
export TMPDIR=$TEST_TMPDIR

program=tools/reliability/batch_trials
succeed "| a batch | 8 good and 2 broken jobs, 1 kills | 0 |" \
  --jobs 10 --broken 20 --kills 1
succeed "| a batch | 0 good and 2 broken jobs, 0 kills | 0 |" \
  --jobs 2 --broken 100 --kills 1
expect 2 "--jobs is 0; use 1 to 9999" --jobs 0
expect 2 "--kills is -1; use 0 or more" --kills -1
expect 2 "--broken is nan; use 0 to 100" --broken nan
expect 2 "unexpected argument 'stray'" stray
expect_help jobs broken kills seed

# Not by the clock: a test may have to wait for its processor.
program=tools/reliability/bombs
said=$("$program" 2>/dev/null)
wrong=$(grep -v -E '^\| \S+ \| .* \| (refused|took too long) \|$' <<<"$said")
[[ -n "$said" && -z "$wrong" ]] || complain "bombs says: $wrong"
expect 2 "unexpected argument 'stray'" stray

program=tools/reliability/save_trials
succeed "| a save fails |" --every 100000 --offsets 0 --flips 5 --cuts 5
expect 2 "--flips is -1; use 0 or more" --flips -1
expect 2 "--every is 0; use 1 or more" --every 0
expect_help folder every offsets flips cuts seed
finish
