#!/bin/bash
# animate as a user runs it: the first command of the README at small size, many
# at once, and what it says to bad flags and bad files. Each flag by itself is in
# animate_flags_test.cc.
program=pipelines/animate
. pipelines/app/program_testing.sh
export CPAB_USER_DIRECTORY=$TEST_TMPDIR/user
mkdir -p "$CPAB_USER_DIRECTORY"
user=$CPAB_USER_DIRECTORY
puppet=$PWD/pipelines/pretrained/puppet.png
dance=$PWD/pipelines/pretrained/dance.mp4
pair=(--source "$puppet" --driving "$dance" --threads 1)
few=(--max_frames 3)

# The README's first command writes animation.mp4 where the user stands, and
# does not write over it.
succeed "using the one that comes with this program" --threads 1 --max_frames 9
expect_files "$user/animation.mp4"
expect_none animation.mp4
expect 2 "animation.mp4 exists; give --overwrite to replace it" "${few[@]}"
before=$(cksum <"$user/animation.mp4")
succeed "wrote 3 frames to $user/animation.mp4" "${few[@]}" --overwrite
[[ $(cksum <"$user/animation.mp4") != "$before" ]] ||
  complain "--overwrite did not replace animation.mp4"

# Its own output serves as source and driving video.
succeed "wrote 3 frames" --source animation.mp4 --source_frame all \
  --driving animation.mp4 --output again.gif
expect_files "$user/again.gif"

# Frames as pictures; a grid of panels; numbers.
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --output frames --size 40x32 \
  --panels source,driving,result,keypoints,flow,occlusion,grid,warped,parts \
  --columns 3 \
  --save_keypoints keypoints.npy --save_deformation deformation.npy
expect_files "$user"/frames/00000{0,1,2}.png "$user"/{keypoints,deformation}.npy
expect_none "$user/frames/000003.png"

# A folder that is there: an empty one is filled, and a full one stays.
mkdir "$user/made"
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --output made
expect_files "$user/made/000002.png"
expect 2 "made exists and is not empty; name another" "${pair[@]}" "${few[@]}" \
  --output made

# By its former name.
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --output old.mp4 --save_flow old.npy
grep -q "^animate: note: --save_flow is called --save_deformation now" "$TEST_TMPDIR/stderr" ||
  complain "no note: $(<"$TEST_TMPDIR/stderr")"
cmp "$user"/{deformation,old}.npy || complain "--save_flow writes something else"

# Motion without pictures: the same frames, and on another checkpoint an error.
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --output moved \
  --save_motion dance.motion.safetensors
succeed "wrote 3 frames" --source "$puppet" --driving dance.motion.safetensors \
  --output replayed --threads 1
for frame in 0 1 2; do
  cmp "$user"/{moved,replayed}/00000$frame.png ||
    complain "a motion file gives another frame $frame than its video"
done

# The motion alone: the same file, and the source's own pixels as the crop.
succeed "wrote the motion of 3 frames" --driving "$dance" "${few[@]}" \
  --save_motion alone.motion.safetensors --start 1
grep -q "^animate: note: --start has no effect without an animation" "$TEST_TMPDIR/stderr" ||
  complain "no note: $(<"$TEST_TMPDIR/stderr")"
cmp "$user"/{dance,alone}.motion.safetensors ||
  complain "the motion alone is another one"
succeed '"frames": 3,' --driving "$dance" "${few[@]}" \
  --save_motion alone.motion.safetensors --overwrite --json
expect 2 "alone.motion.safetensors exists; give --overwrite" \
  --driving "$dance" --save_motion alone.motion.safetensors
expect 1 "not within the picture of" "${pair[@]}" --crop 200,200,100,100 \
  --output none.mp4

# A pose: one picture as driving video.
succeed "wrote 1 frame to" --source "$puppet" --driving "$user/frames/000002.png" \
  --mode standard --output posed.jpg --threads 1
expect 1 "use mode standard or avd" --source "$puppet" --output none.png \
  --driving "$user/frames/000002.png"
expect 1 "a picture holds one frame" "${pair[@]}" --output none.png
expect_files "$user/posed.jpg"
expect_none "$user/none.png"

# What follows from the driving video's first frame equals the source moved by
# nothing, however the motion is made.
succeed "wrote 2 frames" "${pair[@]}" --max_frames 2 --output alike --start 0 \
  --mode relative --motion_scale 0
cmp "$user"/alike/00000{0,1}.png || complain "--motion_scale 0 moves"

# The keypoint sets as a picture; scales by number; names that there are not.
succeed "keypoint sets to $user/sets.png" --show_sets sets.png --threads 1
expect_files "$user/sets.png"
expect 2 "sets.png exists; give --overwrite" --show_sets sets.png
succeed "wrote 2 frames" "${pair[@]}" --max_frames 2 --output unmoved --start 0 \
  --motion_scale 1=0,2=0,3=0
expect 1 "motion scale of 'hat'" "${pair[@]}" --motion_scale hat=0 --output none.mp4
# Nobody keeps names beside the checkpoint that comes with the program.
"$program" "${pair[@]}" --motion_scale hat=0 --output none.mp4 2>&1 >/dev/null |
  grep -q "sets.textproto" && complain "names are to go beside the program's own checkpoint"
expect 1 "keypoint set 99; the model has" "${pair[@]}" --motion_scale 99=0 \
  --output none.mp4

# Faces, backgrounds, smoothing, a virtual camera that is not there.
expect 1 "no face was found" "${pair[@]}" --crop face --face 1 --output none.mp4
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --background "#00ff00" \
  --output green.mp4
expect 1 "puppet.png of 256x256; a mask has the size" "${pair[@]}" \
  --background still --mask "$user/frames/000000.png" --output none.mp4
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --smooth \
  --smooth_filter zero_phase --output smooth.mp4
expect 1 "modprobe v4l2loopback" "${pair[@]}" --output v4l2:/dev/none/video9

# Many: each by each; what is there is not done again; a broken one does not
# stop the others.
mkdir "$user/stills"
cp "$puppet" "$user/stills/a.png"
echo "no picture" >"$user/stills/b.png"
many=(--sources stills --driving "$dance" "${few[@]}" --threads 1 --output results)
expect 1 "1 of 2 failed, the first: " "${many[@]}" --quiet
expect_files "$user/results/a--dance.mp4"
expect_none "$user/results/b--dance.mp4"
expect 1 "1 of 2 failed" "${many[@]}" --json
"$program" "${many[@]}" --json 2>/dev/null | grep -q '"state": "skipped"' ||
  complain "what was there is not skipped"

# A failure's code is for scripts; --halt_on_error tries nothing after one.
"$program" "${many[@]}" --json 2>/dev/null | grep -q '"code": "invalid_argument"' ||
  complain "a failure has no code"
cp "$puppet" "$user/stills/c.png"
expect 1 "; not tried because of that: 1" "${many[@]}" --quiet --halt_on_error
expect_none "$user/results/c--dance.mp4"
expect 1 "1 of 3 failed" "${many[@]}" --quiet
expect_files "$user/results/c--dance.mp4"
expect 2 "--halt_on_error is 'true', which has no effect without" "${pair[@]}" \
  --halt_on_error --output none.mp4

# Two that write one output: one is refused and names the other, and what the
# other writes is whole.
"$program" "${pair[@]}" --max_frames 40 --output both.mp4 --overwrite \
  >"$TEST_TMPDIR/first" 2>&1 &
first=$!
while [[ ! -s $user/.both.mp4.cpab-lock ]] && kill -0 "$first"; do sleep 0.02; done
kill -STOP "$first"  # so that it is not done before the other begins
expect 129 "both.mp4: process $first on" "${pair[@]}" "${few[@]}" --output both.mp4 \
  --overwrite
kill -CONT "$first"
wait "$first" || complain "the first of two ended with $?: $(<"$TEST_TMPDIR/first")"
succeed "wrote 40 frames" --source "$puppet" --driving both.mp4 --output copy.gif \
  --threads 1

# One signal ends the wait for a pipe that nobody writes, as driving video and as
# source, and what was stopped is none that failed.
mkfifo "$user/pipe"
for pipe in "--source $puppet --driving pipe --output none.mp4" \
  "--source pipe --driving $dance --output none.mp4" \
  "--driving pipe --save_motion none.safetensors"; do
  "$program" $pipe --json --threads 1 >"$TEST_TMPDIR/said" \
    2>"$TEST_TMPDIR/stderr" &
  waiting=$!
  until ls -l /proc/$waiting/fd 2>/dev/null | grep -q "/pipe$"; do
    kill -0 $waiting || break
    sleep 0.02
  done
  kill -TERM $waiting
  wait $waiting
  [[ $? == 143 ]] || complain "$pipe: exit code $? after SIGTERM"
  grep -q "stopped by SIGTERM" "$TEST_TMPDIR/stderr" ||
    complain "$pipe: $(<"$TEST_TMPDIR/stderr")"
  grep -q '"items": \[\]' "$TEST_TMPDIR/said" || complain "$pipe: $(<"$TEST_TMPDIR/said")"
done

# A report that is lost is an error.
"$program" "${pair[@]}" "${few[@]}" --output json.mp4 --json >/dev/full \
  2>"$TEST_TMPDIR/stderr"
[[ $? == 129 ]] || complain "a lost report is no error"
grep -q "standard output: cannot write" "$TEST_TMPDIR/stderr" ||
  complain "a lost report: $(<"$TEST_TMPDIR/stderr")"

# No output replaces what is there, and none an input.
echo precious >"$user/precious.npy"
ln -s precious.npy "$user/link.mp4"
for flag in save_keypoints save_deformation; do
  expect 2 "precious.npy exists; give --overwrite" "${pair[@]}" "${few[@]}" --output none.mp4 \
    --$flag precious.npy
done
cp "$puppet" "$user/me.png"
expect 2 "is the input" --source me.png --driving both.mp4 --output both.mp4 --overwrite
expect 2 "is the input" --source me.png --driving both.mp4 --output none.mp4 \
  --save_keypoints me.png --overwrite
expect 2 "are one file" "${pair[@]}" --output none.mp4 --save_deformation ./none.mp4
expect 2 "is a symbolic link" "${pair[@]}" --output link.mp4 --overwrite
expect 2 "is a device" "${pair[@]}" --output none.mp4 --save_deformation /dev/null --overwrite
cmp "$puppet" "$user/me.png" || complain "the source was replaced"
[[ $(<"$user/precious.npy") == precious ]] || complain "precious.npy was replaced"

garbage=$TEST_TMPDIR/garbage.safetensors
echo "this is no checkpoint" >"$garbage"
expect 2 "unexpected argument 'stray'" stray
expect 2 "Did you mean --panels?" --panel grid
expect 2 "--driving is needed, too" --source "$puppet"
expect 2 "--size is 'big'" --size big
expect 2 "--threads is -1" --threads -1
expect 2 "abacus" --device abacus
expect 1 "garbage.safetensors" --checkpoint "$garbage" --output none.mp4
expect 1 "nowhere.png" --source /nowhere.png --driving "$dance" --output none.mp4
expect 1 "nowhere.mp4" --source "$puppet" --driving /nowhere.mp4 --output none.mp4
expect 1 "garbage" --source "$puppet" --driving "$garbage" --output none.mp4
expect 2 "none.xyz" "${pair[@]}" "${few[@]}" --output none.xyz
expect 2 "--precision is float16" "${pair[@]}" --device cpu --precision float16 --output none.mp4
expect 1 "keypoint sets" "${pair[@]}" --motion_scale 1,1 --output none.mp4
expect 1 "//pipelines:train -- --avd " "${pair[@]}" --mode avd --output none.mp4
expect 1 "stills/none" --sources stills/none --driving "$dance" --output none
expect_none "$user"/none{,.mp4,.xyz}
left=$(find "$user" -name '.cpab-*' -o -name '.*.cpab-lock')
[[ -z $left ]] || complain "left: $left"
expect_help source driving sources drivings checkpoint output size json
finish
