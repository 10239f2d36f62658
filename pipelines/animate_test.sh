#!/bin/bash
# animate as a user runs it: the first command of the README at small size, many
# at once, and what it says to bad flags and bad files. Each flag by itself is in
# animate_flags_test.cc, each bad input and output in animation/.
program=pipelines/animate
. pipelines/app/program_testing.sh
export CPAB_USER_DIRECTORY=$TEST_TMPDIR/user
mkdir -p "$CPAB_USER_DIRECTORY"
user=$CPAB_USER_DIRECTORY
puppet=$PWD/pipelines/pretrained/puppet.png
dance=$PWD/pipelines/pretrained/dance.mp4
pair=(--source "$puppet" --driving "$dance" --threads 1)
few=(--max_frames 3)

# The README's first command writes animation.mp4 where the user stands. Of two
# that write one output, one is refused and names the other, and what the other
# writes is whole.
"$program" --threads 1 --max_frames 10 >"$TEST_TMPDIR/first" 2>&1 &
first=$!
while [[ ! -s $user/.animation.mp4.cpab-lock ]] && kill -0 "$first"; do sleep 0.02; done
kill -STOP "$first"  # so that it is not done before the other begins
expect 129 "animation.mp4: process $first on" "${pair[@]}" "${few[@]}" \
  --output animation.mp4 --overwrite
kill -CONT "$first"
wait "$first" || complain "the first of two ended with $?: $(<"$TEST_TMPDIR/first")"
grep -q "using the one that comes with this program" "$TEST_TMPDIR/first" ||
  complain "not said which checkpoint is used: $(<"$TEST_TMPDIR/first")"
grep -q ", in [a-z0-9]*, chosen by the processor" "$TEST_TMPDIR/first" ||
  complain "not said who chose the precision: $(<"$TEST_TMPDIR/first")"
expect_files "$user/animation.mp4"
expect_none animation.mp4

# It does not write over it, nor do the README's other commands.
expect 2 "animation.mp4 exists; give --overwrite to replace it" "${few[@]}"
commands=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' README.md | grep -o '//pipelines:animate -- .*')
refused=$(grep -v -e '--output' -e '--overwrite' -e '--save_motion' <<<"$commands")
[[ -n $commands && -z $refused ]] || complain "README.md: without --output: $refused"

# Its own output serves as source and driving video.
succeed "wrote 10 frames" --source animation.mp4 --source_frame all \
  --driving animation.mp4 --output again.gif --threads 1
expect_files "$user/again.gif"

# With --overwrite it does; backgrounds, smoothing, scales by number.
before=$(cksum <"$user/animation.mp4")
succeed "wrote 3 frames to $user/animation.mp4" "${few[@]}" --threads 1 \
  --overwrite --background "#00ff00" --smooth --smooth_filter zero_phase \
  --motion_scale 1=0,2=0,3=0
[[ $(cksum <"$user/animation.mp4") != "$before" ]] ||
  complain "--overwrite did not replace animation.mp4"

# Frames as pictures; a grid of panels; numbers. A folder that is there: an empty
# one is filled, and a full one stays.
mkdir "$user/frames"
frames=("${pair[@]}" "${few[@]}" --output frames --size 40x32
  --panels source,driving,result,keypoints,flow,occlusion,grid,warped,sets --columns 3
  --save_keypoints keypoints.npy --save_deformation deformation.npy)
succeed "wrote 3 frames" "${frames[@]}"
expect_files "$user"/frames/00000{0,1,2}.png "$user"/{keypoints,deformation}.npy
expect_none "$user/frames/000003.png"
expect 2 "frames exists and is not empty; name another" "${pair[@]}" "${few[@]}" \
  --output frames

# Motion without pictures gives the same frames. --save_deformation by its former
# name.
succeed "wrote 3 frames" "${pair[@]}" "${few[@]}" --output moved \
  --save_motion dance.motion.safetensors --save_flow old.npy
grep -q "^animate: note: --save_flow is called --save_deformation now" "$TEST_TMPDIR/stderr" ||
  complain "no note: $(<"$TEST_TMPDIR/stderr")"
cmp "$user"/{deformation,old}.npy || complain "--save_flow writes something else"
succeed "wrote 3 frames" --source "$puppet" --driving dance.motion.safetensors \
  --output replayed --threads 1
for frame in 0 1 2; do
  cmp "$user"/{moved,replayed}/00000$frame.png ||
    complain "a motion file gives another frame $frame than its video"
done

# The motion alone: the same file.
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

# A pose: one picture as driving video.
succeed "wrote 1 frame to" --source "$puppet" --driving "$user/frames/000002.png" \
  --mode standard --output posed.jpg --threads 1
expect 1 "use --mode standard or --mode avd, or exchange source and driving" \
  --source "$dance" --driving "$user/frames/000002.png" --output none.png
expect 1 "a picture holds one frame" "${pair[@]}" --output none.png
expect_files "$user/posed.jpg"
expect_none "$user/none.png"

# What follows from the driving video's first frame equals the source moved by
# nothing, however the motion is made.
succeed "wrote 2 frames" "${pair[@]}" --max_frames 2 --output alike --start 0 \
  --mode relative --motion_scale 0
cmp "$user"/alike/00000{0,1}.png || complain "--motion_scale 0 moves"

# The keypoint sets as a picture; names that there are not.
succeed "keypoint sets to $user/sets.png" --show_sets sets.png --threads 1
expect_files "$user/sets.png"
expect 2 "sets.png exists; give --overwrite" --show_sets sets.png
expect 1 "motion scale of 'hat'" "${pair[@]}" --motion_scale hat=0 --output none.mp4
# Nobody keeps names beside the checkpoint that comes with the program.
grep -q "sets.textproto" "$TEST_TMPDIR/stderr" &&
  complain "names are to go beside the program's own checkpoint"

# A mask of another picture, a virtual camera that is not there.
expect 1 "puppet.png of 256x256; a mask has the size" "${pair[@]}" \
  --background still --mask "$user/frames/000000.png" --output none.mp4
expect 1 "modprobe v4l2loopback" "${pair[@]}" --output v4l2:/dev/none/video9

# Many: each by each. --halt_on_error tries nothing after a failure.
mkdir "$user/stills"
cp "$puppet" "$user/stills/a.png"
echo "no picture" >"$user/stills/b.png"
cp "$puppet" "$user/stills/c.png"
many=(--sources stills --driving "$dance" "${few[@]}" --threads 1 --output results --quiet)
# expect_failure TEXT ARGUMENT...: of many, b.png fails. --quiet, too, says why of
# each, in a line before the last one, which has TEXT.
expect_failure() {
  local code said
  "$program" "${many[@]}" "${@:2}" >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr"
  code=$?
  said=$(<"$TEST_TMPDIR/stderr")
  if [[ $code != 1 || $(wc -l <<<"$said") != 2 ||
    $said != "animate: failed: $user/results/b--dance.mp4: "*$'\n'*"$1"* ]]; then
    complain "${*:2}: exit code $code, said: $said"
  fi
}
expect_failure "; not tried because of that: 1" --halt_on_error
expect_files "$user/results/a--dance.mp4"
expect_none "$user"/results/{b,c}--dance.mp4
# What is there is not done again; a broken one does not stop the others. A
# failure's code is for scripts.
expect_failure "1 of 3 failed, the first: " --json
expect_files "$user/results/c--dance.mp4"
expect_none "$user/results/b--dance.mp4"
grep -q '"state": "skipped"' "$TEST_TMPDIR/stdout" || complain "what was there is not skipped"
grep -q '"code": "invalid_argument"' "$TEST_TMPDIR/stdout" || complain "a failure has no code"

# Each is told of when it is done; what is no picture is left out with a note. A
# terminal obeys nothing in the names.
rm "$user/results/c--dance.mp4"
head -c 1000 "$puppet" >"$user/stills/"$'cut\e]0;x\a.png'
echo "no picture" >"$user/stills/notes.textproto"
"$program" "${many[@]}" --noquiet >"$TEST_TMPDIR/stdout" 2>"$TEST_TMPDIR/stderr"
for said in "failed: $user/results/b--dance.mp4: " "note: skipped $user/stills/notes.textproto, "; do
  grep -q -F "animate: $said" "$TEST_TMPDIR/stderr" ||
    complain "not said: $said: $(<"$TEST_TMPDIR/stderr")"
done
grep -q -F "animate: wrote 3 frames to $user/results/c--dance.mp4 in " "$TEST_TMPDIR/stdout" ||
  complain "not said what was written: $(<"$TEST_TMPDIR/stdout")"
for stream in stdout stderr; do
  grep -q -F "cut ]0;x --dance.mp4" "$TEST_TMPDIR/$stream" ||
    complain "$stream does not name the damaged source"
  grep -q $'[\e\a]' "$TEST_TMPDIR/$stream" && complain "$stream has what a terminal obeys"
done

# A folder of many that is named as one; a folder that is missing is made.
mkdir "$user/clips"
cp "$dance" "$user/clips/a.mp4"
expect 1 "$user/clips/a.mp4 is" --source clips/ --driving "$dance" --output none.mp4
grep -q -e "; --sources takes a folder of several" "$TEST_TMPDIR/stderr" ||
  complain "no advice: $(<"$TEST_TMPDIR/stderr")"
succeed "wrote 3 frames to $user/new/deep/x.mp4" "${pair[@]}" "${few[@]}" \
  --output new/deep/x.mp4

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

# No output replaces what is there, and none an input. One of each kind: all that
# outputs may harm is in networks/files/outputs_test.cc and animate_video_test.cc.
echo precious >"$user/precious.npy"
expect 2 "precious.npy exists; give --overwrite" "${pair[@]}" "${few[@]}" --output none.mp4 \
  --save_keypoints precious.npy
[[ $(<"$user/precious.npy") == precious ]] || complain "precious.npy was replaced"
cp "$puppet" "$user/me.png"
expect 2 "is the input" --source me.png --driving animation.mp4 --output none.mp4 \
  --save_keypoints me.png --overwrite
cmp "$puppet" "$user/me.png" || complain "the source was replaced"
expect 2 "are one file" "${pair[@]}" --output none.mp4 --save_deformation ./none.mp4

garbage=$TEST_TMPDIR/garbage.safetensors
echo "this is no checkpoint" >"$garbage"
expect 2 "unexpected argument 'stray'" stray
expect 2 "--driving is needed, too" --source "$puppet"
expect 2 "abacus" --device abacus
expect 1 "garbage.safetensors" --checkpoint "$garbage" --output none.mp4
expect 1 "nowhere.mp4" --source "$puppet" --driving /nowhere.mp4 --output none.mp4
expect 1 "stills/none" --sources stills/none --driving "$dance" --output none
expect 2 "--precision is float16" "${pair[@]}" --device cpu --precision float16 --output none.mp4
# What comes with the program gets no network of the user's.
expect 1 "mine.safetensors && tools/bazelw run //pipelines:train -- --avd mine.safetensors" \
  "${pair[@]}" --mode avd --output none.mp4
expect_none "$user"/none{,.mp4}
left=$(find "$user" -name '.cpab-*' -o -name '.*.cpab-lock')
[[ -z $left ]] || complain "left: $left"
expect_help source driving sources drivings checkpoint output size json
finish
