#!/bin/bash
# What evaluate says to bad flags and bad files.
set -u
evaluate=pipelines/evaluate
failures=0

# expect EXIT_CODE TEXT FLAGS...: the exit code, and one line with TEXT on stderr.
expect() {
  local code=$1 text=$2
  shift 2
  local said
  said=$("$evaluate" "$@" 2>&1 >/dev/null)
  local got=$?
  if [[ $got != "$code" || $said != *"$text"* || $(wc -l <<<"$said") != 1 ]]; then
    echo "evaluate $*: exit code $got (not $code), said: $said"
    failures=$((failures + 1))
  fi
}

garbage=$TEST_TMPDIR/garbage.safetensors
echo "this is no checkpoint" >"$garbage"

expect 2 "--checkpoint is needed"
expect 2 "unexpected argument 'stray'" --checkpoint="$garbage" stray
expect 2 "chekpoint" --chekpoint="$garbage"
expect 2 "--lpips is 'squeeze'; use alex or vgg" --checkpoint="$garbage" --lpips=squeeze
expect 2 "--batch_size must be 0 or more" --checkpoint="$garbage" --batch_size=-1
expect 2 "abacus" --checkpoint="$garbage" --device=abacus
expect 2 "threads" --checkpoint="$garbage" --threads=-1
expect 1 "nowhere.safetensors" --checkpoint=/nowhere.safetensors
expect 1 "$garbage" --checkpoint="$garbage"

help=$("$evaluate" --help) || failures=$((failures + 1))
for flag in checkpoint data output page frames lpips batch_size device threads set; do
  if [[ $help != *"--$flag"* ]]; then
    echo "--help does not tell of --$flag"
    failures=$((failures + 1))
  fi
done
exit "$failures"
