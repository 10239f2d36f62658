# For tests that run a program as a user does; to be sourced, with $program set
# to its path. The test ends with `finish`.

failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}

# expect EXIT_CODE TEXT ARGUMENT...: the program ends with the code and says
# TEXT on standard error, in one line.
expect() {
  local code=$1 text=$2 said got
  shift 2
  said=$("$program" "$@" 2>&1 >/dev/null)
  got=$?
  if [[ $got != "$code" || $said != *"$text"* || $(wc -l <<<"$said") != 1 ]]; then
    complain "$program $*: exit code $got (not $code), said: $said"
  fi
}

# succeed TEXT ARGUMENT...: the program ends with 0 and says TEXT on standard
# output.
succeed() {
  local text=$1 said
  shift
  said=$("$program" "$@" 2>"$TEST_TMPDIR/stderr") ||
    complain "$program $*: exit code $?, said: $(<"$TEST_TMPDIR/stderr")"
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

# --help tells of each FLAG... in lines of 80 columns; the command lines among
# them may be longer.
expect_help() {
  local help flag
  help=$("$program" --help) || complain "$program --help: exit code $?"
  for flag in "$@"; do
    grep -q -x -- "  --$flag" <<<"$help" ||
      complain "$program --help does not tell of --$flag"
  done
  grep -v -e '^  [a-z./]* .*--' <<<"$help" | grep -E '.{81}' &&
    complain "$program --help has lines of more than 80 columns"
}

finish() {
  exit "$((failures > 0))"
}
