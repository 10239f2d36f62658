#!/bin/bash
# commits.sh on single messages, good and bad.
set -uo pipefail
failures=0

# expect CODE TEXT MESSAGE
expect() {
  local said code
  printf '%b' "$3" >"$TEST_TMPDIR/message"
  said=$(tools/lint/commits.sh --message "$TEST_TMPDIR/message")
  code=$?
  [[ $code == "$1" && $said == *"$2"* ]] || {
    echo "exit code $code, said '$said', for: $3"
    failures=1
  }
}

expect 0 "" 'losses: weigh each layer alone\n\nThe sum hid the last one.\n'
expect 0 "" 'pipelines/media, tools: one reader of bytes\n\n# git\nTwo lines\nof body.\n'
expect 1 "there is no body" 'losses: weigh each layer alone\n'
expect 1 "there is no body" 'losses: weigh each layer alone\n\n# of git\n'
expect 1 "does not begin with a folder" 'Weigh each layer alone\n\nBody.\n'
expect 1 "has 73 characters" "losses: $(printf 'a%.0s' {1..65})\n\nBody.\n"
expect 0 "" "losses: $(printf 'a%.0s' {1..64})\n\nBody.\n"
expect 1 "ends with a full stop" 'losses: weigh each layer.\n\nBody.\n'
expect 1 "the second line is not empty" 'losses: weigh\nBody.\nMore.\n'
exit $failures
