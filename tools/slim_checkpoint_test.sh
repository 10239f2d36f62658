#!/bin/bash
# What is slim already comes out as it went in, to the byte; bad input is an error.
program=tools/slim_checkpoint
. pipelines/app/program_testing.sh
small=pipelines/pretrained/puppets-128.safetensors
out=$TEST_TMPDIR/out.safetensors
none=$TEST_TMPDIR/none.safetensors
again=$TEST_TMPDIR/again.safetensors

cp "$small" "$TEST_TMPDIR/mine.safetensors"
expect_safe_output "$out" "$TEST_TMPDIR/mine.safetensors" \
  --checkpoint "$TEST_TMPDIR/mine.safetensors" --output "$out"
grep -q -F "$out: 7" "$TEST_TMPDIR/stdout" || complain "said: $(<"$TEST_TMPDIR/stdout")"
succeed "$again: 7" --checkpoint "$out" --output "$again"
cmp "$out" "$again" || complain "changed what it had written itself"

# A path of the machine that trained is left out. The last 32 bytes are the digest
# of all before.
path=$TEST_TMPDIR/path.safetensors
LC_ALL=C sed '/initial_weights/!s/frozen: \\"kp_detector\\"/initial_weights: \\"\/t\\"/' "$small" |
  head -c -32 >"$path"
printf "$(sha256sum <"$path" | cut -c -64 | sed 's/../\\x&/g')" >>"$path"
grep -a -q initial_weights "$path" || complain "no path in the config of $path"
succeed "$TEST_TMPDIR/no_path.safetensors: 7" --checkpoint "$path" \
  --output "$TEST_TMPDIR/no_path.safetensors"
grep -a -q initial_weights "$TEST_TMPDIR/no_path.safetensors" &&
  complain "the file has training.initial_weights"

# So are the folders of weights.
weights=$TEST_TMPDIR/weights.safetensors
LC_ALL=C sed 's/model: \\"vitb8\\"\\n      untrained: false\\n/weights: \\"\/a\/vit.pth\\"                   /' "$small" |
  head -c -32 >"$weights"
printf "$(sha256sum <"$weights" | cut -c -64 | sed 's/../\\x&/g')" >>"$weights"
grep -a -q /a/vit.pth "$weights" || complain "no path of weights in the config of $weights"
succeed "$TEST_TMPDIR/no_folder.safetensors: 7" --checkpoint "$weights" \
  --output "$TEST_TMPDIR/no_folder.safetensors"
grep -a -q 'weights: \\"vit.pth' "$TEST_TMPDIR/no_folder.safetensors" ||
  complain "the file has not the name of the weights alone"

# A file of the predecessor, whose config is derived from its tensors.
legacy=pipelines/checkpoint/testdata/tps_legacy.pth.tar
succeed "$TEST_TMPDIR/legacy.safetensors: 23.1 MB" --checkpoint "$legacy" \
  --output "$TEST_TMPDIR/legacy.safetensors"
succeed "legacy_again.safetensors: 23.1 MB" --output "$TEST_TMPDIR/legacy_again.safetensors" \
  --checkpoint "$TEST_TMPDIR/legacy.safetensors"
cmp "$TEST_TMPDIR"/legacy{,_again}.safetensors || complain "a converted file is not slim"

# Its running_var of a batch normalisation, 2936 bytes before the end, is made 1e5.
large=$TEST_TMPDIR/large.pth.tar
cp "$legacy" "$large"
chmod u+w "$large"
printf '\x00\x50\xc3\x47' | dd of="$large" bs=1 conv=notrunc status=none \
  seek=$(($(stat -L -c %s "$legacy") - 2936))
expect 1 "layer4.1.bn2.running_var holds numbers beyond 65504" \
  --checkpoint "$large" --output "$none"

head -c 100000 "$small" >"$TEST_TMPDIR/cut.safetensors"
expect 1 "cut.safetensors" --checkpoint "$TEST_TMPDIR/cut.safetensors" --output "$none"
expect 1 "/nowhere" --checkpoint /nowhere.safetensors --output "$none"
expect 2 "--checkpoint is missing" --output "$none"
expect 2 "--output is missing" --checkpoint "$small"
expect 2 "end its name in .safetensors" --checkpoint "$small" --output "$TEST_TMPDIR/none.pth"
expect 2 "unexpected argument 'stray'" --checkpoint "$small" --output "$none" stray
expect_none "$none" "$TEST_TMPDIR/none.pth"
expect_help checkpoint output overwrite
finish
