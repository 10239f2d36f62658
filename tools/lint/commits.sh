#!/bin/bash
# Whether commit messages are as tools/CHANGE.md wants them.
#
#   tools/lint/commits.sh             the commits that the main branch of origin lacks
#   tools/lint/commits.sh A..B        these
#   tools/lint/commits.sh --message FILE    one message, as a commit-msg hook gives it:
#       ln -s ../../tools/lint/commits.sh .git/hooks/commit-msg
#
# Prints a line for each fault. Exit code 1 if there is one, 2 for a bad range.
# Where there is no repository, or no origin, nothing is new and all is well.
set -uo pipefail

# faults NAME < MESSAGE: what is wrong with it, a line each. Lines of "#" are git's
# own.
faults() {
  local subject second rest
  mapfile -t lines < <(grep -v '^#')
  subject=${lines[0]:-}
  second=${lines[1]:-}
  rest=$(printf '%s\n' "${lines[@]:2}" | tr -d '[:space:]')
  [[ ${#subject} -le 72 ]] ||
    echo "$1: the subject has ${#subject} characters; use 72 or fewer: $subject"
  [[ $subject =~ ^[A-Za-z0-9_./,\ -]+:\ [^[:space:]] ]] ||
    echo "$1: the subject does not begin with a folder, as in \"losses: weigh ...\": $subject"
  [[ $subject != *. ]] || echo "$1: the subject ends with a full stop: $subject"
  [[ -z $second ]] || echo "$1: the second line is not empty: $second"
  [[ -n $rest ]] ||
    echo "$1: there is no body; say what was wanted, why this way, and how it was checked: $subject"
}

if [[ ${1:-} == --message || (${1:-} != *..* && -f ${1:-}) ]]; then
  file=${2:-$1}
  found=$(faults "$(basename "$file")" <"$file")
else
  range=${1:-}
  if [[ -z $range ]]; then
    git rev-parse --quiet --verify origin/main >/dev/null 2>&1 || exit 0
    range=origin/main..HEAD
  fi
  commits=$(git rev-list --no-merges "$range") || exit 2
  found=$(for commit in $commits; do
    git log -1 --format=%B "$commit" | faults "${commit:0:9}"
  done)
fi
[[ -z $found ]] || { echo "$found"; exit 1; }
