#!/bin/bash
# What is slim already comes out as it went in, to the byte; bad input is an error.
slim=tools/slim_checkpoint
small=pipelines/pretrained/puppets-64.safetensors
out="$TEST_TMPDIR/out.safetensors"

fail() { echo "$*"; exit 1; }

"$slim" --checkpoint "$small" --output "$out" || fail "does not slim $small"
cmp "$small" "$out" || fail "changed what it had written itself"
"$slim" --checkpoint "$small" --output "$out" && fail "replaced a file unasked"
head -c 100000 "$small" >"$TEST_TMPDIR/cut.safetensors"
"$slim" --checkpoint "$TEST_TMPDIR/cut.safetensors" --output "$TEST_TMPDIR/no" &&
  fail "took a truncated file"
[[ ! -e "$TEST_TMPDIR/no" ]] || fail "left a file after an error"
