# For tests that run a program as a user does; to be sourced, with $program set
# to its path. The test ends with `finish`.

failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}

# Standard output and standard error of the last run by the functions below are
# in $TEST_TMPDIR/stdout and $TEST_TMPDIR/stderr.

# expect EXIT_CODE TEXT ARGUMENT...: the program ends with the code and says
# TEXT on standard error, in one line.
expect() {
  local code=$1 text=$2 said got
  shift 2
  "$program" "$@" >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr"
  got=$?
  said=$(<"$TEST_TMPDIR/stderr")
  if [[ $got != "$code" || $said != *"$text"* || $(wc -l <<<"$said") != 1 ]]; then
    complain "$program $*: exit code $got (not $code), said: $said"
  fi
}

# succeed TEXT ARGUMENT...: the program ends with 0 and says TEXT on standard
# output.
succeed() {
  local text=$1 said
  shift
  "$program" "$@" >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr" ||
    complain "$program $*: exit code $?, said: $(<"$TEST_TMPDIR/stderr")"
  said=$(<"$TEST_TMPDIR/stdout")
  [[ $said == *"$text"* ]] || complain "$program $*: said: $said"
}

# There are PATH...: none of them empty.
expect_files() {
  local path
  for path in "$@"; do
    [[ -s "$path" ]] || complain "$path is missing or empty"
  done
}

expect_none() {
  local path
  for path in "$@"; do
    [[ ! -e "$path" ]] || complain "$path is there"
  done
}

# expect_safe_output OUTPUT INPUT ARGUMENT...: the program, which with ARGUMENT...
# reads the file INPUT and writes the file OUTPUT (both absolute), replaces
# nothing without --overwrite, and INPUT never. OUTPUT is there at the end. By how
# many ways OUTPUT may be INPUT is in networks/files/outputs_test.cc.
expect_safe_output() {
  local output=$1 input=$2 kept=$TEST_TMPDIR/kept_input
  shift 2
  mkdir -p "${output%/*}"
  cp "$input" "$kept"
  echo precious >"$output"
  expect 2 "$output exists; give --overwrite to replace it" "$@"
  [[ $(<"$output") == precious ]] || complain "$output was replaced"
  ln -f "$input" "$output"
  expect 2 "$output: is the input $input" "$@" --overwrite
  cmp "$kept" "$input" || complain "$input was changed"
  rm "$output"  # the link
  echo precious >"$output"
  succeed "" "$@" --overwrite
  [[ $(head -c 8 "$output" | tr -d '\0') != precious ]] ||
    complain "--overwrite did not replace $output"
  cmp "$kept" "$input" || complain "$input was changed"
}

# --help tells of each FLAG..., in a group where it has groups, in lines of 80
# columns; the command lines among them may be longer.
expect_help() {
  local help flag
  help=$("$program" --help) || complain "$program --help: exit code $?"
  for flag in "$@"; do
    grep -q -x -- "  --$flag" <<<"$help" ||
      complain "$program --help does not tell of --$flag"
  done
  grep -q -x 'Other flags:' <<<"$help" &&
    complain "$program --help has flags without a group"
  grep -v -e '^  [a-z./]* .*--' <<<"$help" | grep -E '.{81}' &&
    complain "$program --help has lines of more than 80 columns"
}

finish() {
  exit "$((failures > 0))"
}
