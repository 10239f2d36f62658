#!/bin/bash
# What evaluate says to bad flags and bad files. Whole evaluations are in
# training/trainer_test.cc and evaluation/evaluation_test.cc.
program=pipelines/evaluate
. pipelines/app/program_testing.sh

garbage=$TEST_TMPDIR/garbage.safetensors
echo "this is no checkpoint" >"$garbage"

expect 2 "--checkpoint is needed"
expect 2 "unexpected argument 'stray'" --checkpoint="$garbage" stray
expect 2 "--lpips is 'squeeze'; use alex or vgg" --checkpoint="$garbage" --lpips=squeeze
expect 2 "--batch_size must be 0 or more" --checkpoint="$garbage" --batch_size=-1
expect 2 "'big' is no size of frames; use 384, or 512x384" --checkpoint="$garbage" --model_size=big
expect 2 "--motion: 'tps' is no motion model; use cpab" --checkpoint="$garbage" --motion=tps
expect 2 "override model.num_transforms=3: this field has no effect here" --checkpoint="$garbage" \
  --set model.num_transforms=3
expect 2 "abacus" --checkpoint="$garbage" --device=abacus
expect 2 "threads" --checkpoint="$garbage" --threads=-1
expect 1 "nowhere.safetensors" --checkpoint=/nowhere.safetensors
# As a checkpoint of the original is used, which does not say its size. A path may
# have commas.
cp pipelines/pretrained/puppets-128.safetensors "$TEST_TMPDIR/a,b.safetensors"
pretrained=(--checkpoint="$TEST_TMPDIR/a,b.safetensors" --print_config)
succeed "  width: 96" "${pretrained[@]}" --model_size=96x64 --motion=thin_plate_original \
  --set evaluation.frame_step=5 --lpips=vgg --set evaluation.lpips.weights=/w/vgg.pth
for words in "thin_plate_original {" "  height: 64" "  frame_step: 5" 'weights: "/w/vgg.pth"'; do
  grep -q -F -- "$words" "$TEST_TMPDIR/stdout" ||
    complain "$words is not in the config: $(<"$TEST_TMPDIR/stdout")"
done
expect 2 "data.height is 100; use a multiple of 32" "${pretrained[@]}" --model_size=100
expect 2 "--print_config evaluates nothing, so" "${pretrained[@]}" --page "$TEST_TMPDIR/page"
# No output replaces what is there, and none an input. The frames of a clip are a
# folder, which replaces none.
mine=$TEST_TMPDIR/mine.safetensors
cp pipelines/pretrained/puppets-128.safetensors "$mine"
tools/make_puppets --output "$TEST_TMPDIR/puppets" --size 64 --train 1 --test 1 \
  --frames 2 >"$TEST_TMPDIR/log" 2>&1 || complain "$(<"$TEST_TMPDIR/log")"
puppets=(--checkpoint="$mine" --data="$TEST_TMPDIR/puppets" --threads=1 \
  --set evaluation.sheet_clips=0)
mkdir -p "$TEST_TMPDIR/frames/real/00000"
expect_safe_output "$TEST_TMPDIR/scores.json" "$mine" "${puppets[@]}" \
  --output "$TEST_TMPDIR/scores.json" --page "$TEST_TMPDIR/page" --frames "$TEST_TMPDIR/frames"
expect_files "$TEST_TMPDIR"/frames/{real,generated}/00000/000001.png \
  "$TEST_TMPDIR"/page/{index.html,evaluation.txt,evaluation.json}
expect 2 "generated/00000 exists and is not empty; name another" "${puppets[@]}" \
  --frames "$TEST_TMPDIR/frames" --overwrite
for name in index.html evaluation.txt; do
  expect 2 "page/$name exists; give --overwrite" "${puppets[@]}" --page "$TEST_TMPDIR/page"
  rm "$TEST_TMPDIR/page/$name"
done
rm "$TEST_TMPDIR"/page/*.*
expect 2 "page/evaluation exists and is not empty; give --overwrite" "${puppets[@]}" \
  --page "$TEST_TMPDIR/page"
# Nor a clip.
mkdir "$TEST_TMPDIR/clips" "$TEST_TMPDIR/clips/test"
cp -r "$TEST_TMPDIR/frames/real/00000" "$TEST_TMPDIR/clips/test/a"
expect 2 "is the input" --checkpoint="$mine" --data="$TEST_TMPDIR/clips" --threads=1 \
  --output "$TEST_TMPDIR/clips/test/a/000000.png" --overwrite

# Two checkpoints in one table, with all that is needed to repeat it. A run may
# remove a checkpoint that is being evaluated.
gone=$TEST_TMPDIR/gone.safetensors
cp "$mine" "$gone"
"$program" --checkpoint="$gone,pipelines/pretrained/puppets-128.safetensors" \
  --data="$TEST_TMPDIR/puppets" --threads=1 --output "$TEST_TMPDIR/both.json" 2>"$TEST_TMPDIR/stderr" |
  while read -r line; do
    echo "$line"
    [[ $line == *"clips of"* ]] && rm -f "$gone"
  done >"$TEST_TMPDIR/stdout"
[[ ${PIPESTATUS[0]} == 0 ]] || complain "a comparison failed: $(<"$TEST_TMPDIR/stderr")"
expect_none "$gone"
grep -q "first frame, unmoved" "$TEST_TMPDIR/stdout" ||
  complain "no table: $(<"$TEST_TMPDIR/stdout") $(<"$TEST_TMPDIR/stderr")"
grep -q "$(sha256sum <"$mine" | cut -c -64)" "$TEST_TMPDIR/both.json" ||
  complain "no scores of a checkpoint that was removed: $(<"$TEST_TMPDIR/stderr")"
[[ $(grep -c '"checkpoint": "/' "$TEST_TMPDIR/both.json") == 2 ]] ||
  complain "the comparison names no two checkpoints: $(<"$TEST_TMPDIR/both.json")"
for key in checkpoint_sha256 training_steps motion width data clip_sizes_sha256 frame_step command tf32; do
  grep -q "\"$key\": " "$TEST_TMPDIR/both.json" || complain "the comparison lacks $key"
done
[[ $(grep -c '"tf32": true' "$TEST_TMPDIR/both.json") == 2 ]] ||
  complain "evaluated in other numbers than trained: $(<"$TEST_TMPDIR/both.json")"
# Only test clips are made of the bundled puppets, of which this checkpoint was
# trained on many.
export XDG_CACHE_HOME=$TEST_TMPDIR/cache
succeed "first frame" --checkpoint="$mine" --threads=1 --set data.puppets.num_test=1 \
  --set data.puppets.frames_per_clip=3
expect_files "$XDG_CACHE_HOME"/cpab_animation/puppets*-128-1+1x3-seed*/manifest.json
# What is wrong with the second ends it before the first is evaluated.
expect 1 "$garbage" --checkpoint="$mine,$garbage" --data="$TEST_TMPDIR/puppets" --threads=1
grep -q "clips of" "$TEST_TMPDIR/stdout" && complain "evaluated beside $garbage"
expect 1 "alexnet-owt-7be5be79.pth" --checkpoint="$mine,$mine" --data="$TEST_TMPDIR/puppets" --threads=1 \
  --lpips=alex
grep -q "clips of" "$TEST_TMPDIR/stdout" && complain "evaluated without the weights of LPIPS"
expect 2 "with a comma too many" --checkpoint="$mine,"
expect 1 "is 'gone_clips', relative to the folder in which you are; --data names another: " \
  --checkpoint="$mine" --set data.folder=gone_clips
# The clips of a run may move: its config says where they are now.
run=$TEST_TMPDIR/run
mkdir -p "$run/checkpoints"
old='puppets {\n      num_train: 1500\n      num_test: 12\n      frames_per_clip: 32\n      seed: 1\n      camera_motion: false\n    }'
printf -v new "%-${#old}s" 'folder: \"/gone_clips\"'
LC_ALL=C sed "s|${old//\\/\\\\}|${new//\\/\\\\}|" "$mine" | head -c -32 >"$run/checkpoints/best.safetensors"
printf "$(sha256sum <"$run/checkpoints/best.safetensors" | cut -c -64 | sed 's/../\\x&/g')" >>"$run/checkpoints/best.safetensors"
expect 1 "is '/gone_clips'; --data names another" --checkpoint="$run" --threads=1
echo "data { folder: '$TEST_TMPDIR/puppets' } losses { perceptual { untrained: true } }" >"$run/config.textproto"
succeed "are no longer in /gone_clips; taking $TEST_TMPDIR/puppets, which $run/config.textproto names" \
  --checkpoint="$run" --threads=1
expect 1 "is '$TEST_TMPDIR/nowhere'" --checkpoint="$run" --threads=1 --set data.folder="$TEST_TMPDIR/nowhere"
expect 2 "--page and --frames are of one --checkpoint" --checkpoint="$mine,$mine" \
  --page "$TEST_TMPDIR/page2"

expect_help checkpoint data output overwrite page frames lpips batch_size model_size motion print_config device threads set
finish
