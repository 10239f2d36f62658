#!/bin/bash
# What equal_builds.sh compares. Two builds take minutes; README.md has them.
program=tools/reliability/equal_builds.sh
. pipelines/app/program_testing.sh

one=$TEST_TMPDIR/one
two=$TEST_TMPDIR/two
mkdir -p "$one/a/b" "$two/a/b"
for folder in "$one" "$two"; do
  printf '\177ELFprogram' >"$folder/a/b/program"
  printf '!<arch>\nlibrary' >"$folder/a/library.a"
  echo "$folder" >"$folder/manifest" # no machine code, so that it may differ
done
succeed "2 files that both builds have: 0 failures" --compare "$one" "$two"

differ() {
  local said
  said=$("$program" --compare "$one" "$two" 2>&1) &&
    complain "$1: exit code 0, said: $said"
  [[ $said == *"$2"* && $said == *"$3"* ]] || complain "$1: said: $said"
}
printf '\177ELFprogrom' >"$two/a/b/program"
differ "a byte" "a/b/program differ: " "2 files that both builds have: 1 failures"
rm "$two/a/library.a"
differ "a file" "only one of the builds has ./a/library.a" "1 files that both builds have: 2 failures"
rm -r "$one/a"
differ "no file" "$one: holds no programs" "object files"

expect_two() {
  "$program" "$@" >/dev/null 2>"$TEST_TMPDIR/usage"
  [[ $? == 2 ]] || complain "$*: no exit code 2"
  [[ -s "$TEST_TMPDIR/usage" ]] || complain "$*: said nothing"
}
expect_two --compare "$one"
expect_two --compare "$one" "$TEST_TMPDIR/missing"
expect_two --wrong
expect_two --folder "$TEST_TMPDIR"
succeed "--compare FOLDER FOLDER" --help
expect_help
finish
