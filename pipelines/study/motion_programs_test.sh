#!/bin/bash
# motion_accuracy and motion_ceiling as a user runs them, at small size.
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
few=(--set data.puppets.num_train=1 --set data.puppets.num_test=1
  --set data.puppets.frames_per_clip=6)

# lines COUNT PATTERN: as many lines of the last output match.
lines() {
  local count
  count=$(grep -c -E "$2" "$TEST_TMPDIR/stdout")
  [[ $count == "$1" ]] || complain "$count lines match $2 in: $(<"$TEST_TMPDIR/stdout")"
}

program=pipelines/study/motion_accuracy
"$program" "${few[@]}" >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr" ||
  complain "$program: $(<"$TEST_TMPDIR/stderr")"
lines 11 '^(affine|thin-plate|bspline|cpab)[-a-z0-9.]* +0\.[0-9]{4} \(0\.[0-9]{4}\)'
# Keypoints that are off cost accuracy, whatever the model.
awk 'gsub(/[()]/, "") && NF == 7 && $3 <= $2 { worse = 1 } END { exit worse }' \
  "$TEST_TMPDIR/stdout" || complain "wrong keypoints do no harm: $(<"$TEST_TMPDIR/stdout")"
expect 2 "none-such" --study none-such
expect 2 "spline" --set "model.local=spline {}"
expect 1 "have no 5 frames" --set data.puppets.num_train=1 --set data.puppets.num_test=1 \
  --set data.puppets.frames_per_clip=4
mkdir -p "$TEST_TMPDIR/clips/test/still"
expect 1 "clips/truth/test" --set data.folder="$TEST_TMPDIR/clips"
expect 2 "has no effect here; the puppets" --set model.num_transforms=7
expect 2 "has no effect here; the puppets" --set model.keypoints_per_transform=8
expect 2 "unexpected argument 'stray'" stray
expect_help study set

program=pipelines/study/motion_ceiling
cat >"$TEST_TMPDIR/small.textproto" <<END
config: "demo"
steps: 1
variants { name: "affine" set: "model.local=affine {}" }
variants { name: "cpab" }
END
small=(--study "$TEST_TMPDIR/small.textproto" "${few[@]}")
"$program" "${small[@]}" --sets 1,2 --steps 8 >"$TEST_TMPDIR/stdout" \
  2>"$TEST_TMPDIR/stderr" || complain "$program: $(<"$TEST_TMPDIR/stderr")"
lines 1 '^first frame +0\.[0-9]{4}'
lines 4 '^[12] sets, (affine|cpab) +0\.[0-9]{4}  0\.[0-9]{4}$'
cp "$TEST_TMPDIR/stdout" "$TEST_TMPDIR/five"
# Half of the pairs differ most, also where all differ by the same.
frame=$(find "$XDG_CACHE_HOME" -path '*/test/00000.png' | head -n 1)
for i in 0 1; do cp "$frame" "$TEST_TMPDIR/clips/test/still/$i.png"; done
"$program" "${small[@]}" --set data.folder="$TEST_TMPDIR/clips" --sets 1 --steps 1 \
  >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr" || complain "$program: $(<"$TEST_TMPDIR/stderr")"
lines 1 '^first frame +0\.0000  0\.0000$'
# Sets have as many keypoints as the config says. In fewer steps nothing is better
# than the first frame.
"$program" "${small[@]}" --sets 1,2 --steps 8 --set model.keypoints_per_transform=8 \
  >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr" || complain "$program: $(<"$TEST_TMPDIR/stderr")"
lines 4 '^[12] sets, (affine|cpab) +0\.[0-9]{4}  0\.[0-9]{4}$'
cmp -s "$TEST_TMPDIR/five" "$TEST_TMPDIR/stdout" && complain "eight keypoints do as five"
# Descent needs gradients through the transforms, also where a training has none.
ceiling() {
  "$program" --study "$TEST_TMPDIR/$1.textproto" "${few[@]}" --sets 1 --steps 4 \
    >"$TEST_TMPDIR/$1" 2>"$TEST_TMPDIR/stderr" || complain "$program: $(<"$TEST_TMPDIR/stderr")"
}
sed '1a set: "model.gradient=DETACHED"' "$TEST_TMPDIR/small.textproto" >"$TEST_TMPDIR/detached.textproto"
ceiling small
ceiling detached
cmp -s "$TEST_TMPDIR/small" "$TEST_TMPDIR/detached" || complain "a detached config is fitted otherwise"
expect 2 "solver is ADAM" --study "$TEST_TMPDIR/detached.textproto" "${few[@]}" \
  --set model.local.cpab.solver=ADAM
expect 2 "found by descent through the transforms, decide on it" "${small[@]}" \
  --set model.gradient=DETACHED
expect 2 "--sets: '0' is no number of keypoint sets" "${small[@]}" --sets 1,0
expect 2 "--steps is 0; use 1 or more" "${small[@]}" --steps 0
expect 2 "has no effect here; the numbers of --sets" "${small[@]}" --set model.num_transforms=7
expect 2 "none-such" --study none-such
expect 2 "unexpected argument 'stray'" stray
expect_help study sets steps set
finish
