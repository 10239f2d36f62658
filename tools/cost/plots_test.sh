#!/bin/bash
# plots at small size: each picture, its row of the table, and mistakes.
program=tools/cost/plots
. pipelines/app/program_testing.sh
export CPAB_USER_DIRECTORY=$TEST_TMPDIR/user TMPDIR=$TEST_TMPDIR/tmp
mkdir -p "$TMPDIR"

succeed "| train, demo, one thread | 4 / 8 steps | " --few pictures
[[ ! -s $TEST_TMPDIR/stderr ]] || complain "it says: $(<"$TEST_TMPDIR/stderr")"
figures='[0-9.]+ / [0-9.]+'
rows=$(grep -c -E "^\| .* \| $figures [a-z ]+ \| $figures s \| $figures s \| $figures MB \|$" "$TEST_TMPDIR/stdout")
pictures=("$CPAB_USER_DIRECTORY"/pictures/*.svg)
[[ $rows == 9 && ${#pictures[@]} == 9 ]] ||
  complain "$rows rows, ${#pictures[@]} pictures; it said: $(<"$TEST_TMPDIR/stdout")"
expect_files "${pictures[@]}"

# What is named alone, in place of a former picture.
succeed "make_puppets" --few pictures make_puppets_clips
[[ $(wc -l <"$TEST_TMPDIR/stdout") == 1 ]] || complain "it said: $(<"$TEST_TMPDIR/stdout")"
[[ -z $(ls "$TMPDIR") ]] || complain "left: $(ls "$TMPDIR")"

expect 2 "there is no plot 'stray'; there are animate_frames" pictures stray
"$program" --stray 2>"$TEST_TMPDIR/stderr"
[[ $? == 2 && $(<"$TEST_TMPDIR/stderr") == *"cost:plots -- [--few] FOLDER"* ]] ||
  complain "for a stray flag it says: $(<"$TEST_TMPDIR/stderr")"
succeed "cost:plots -- [--few] FOLDER" --help
expect_help
# A program that fails.
echo "not a folder" >"$TEST_TMPDIR/file"
expect 1 "file" --few "$TEST_TMPDIR/file" make_puppets_clips
finish
