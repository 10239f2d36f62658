#!/bin/bash
# cut_clips as a user runs it, at small size.
program=tools/cut_clips/cut_clips
. pipelines/app/program_testing.sh
videos=pipelines/pretrained
out=$TEST_TMPDIR/set

# table ROW...: writes the table.
table() {
  printf '%s\n' file,start,end,box,name,partition "$@" >"$TEST_TMPDIR/clips.csv"
}
cut=(--list "$TEST_TMPDIR/clips.csv" --videos "$videos" --output "$out")
small=("${cut[@]}" --size 32)

# The video's name may lack its ending. Run again, nothing is cut twice.
table dance,0,0.4,,a,train dance.mp4,1,1.4,,b,test
succeed "2 cut, 0 kept, 0 failed; 1 in train, 1 in test" "${small[@]}"
expect_files "$out"/train/a.mp4 "$out"/test/b.mp4 "$out"/cut_clips.csv
grep -q -F -- "//pipelines:train -- --config figure-64 --set data.folder=$out" "$TEST_TMPDIR/stdout" ||
  complain "it does not say how to train: $(<"$TEST_TMPDIR/stdout")"
before=$(cksum "$out"/*/*.mp4)
succeed "0 cut, 2 kept, 0 failed" "${small[@]}"
[[ $(cksum "$out"/*/*.mp4) == "$before" ]] || complain "a kept clip has changed"

# What a run that was killed has left goes, also of a clip that is asked for no more.
printf 'process 1 on host\n.cpab-0123456789abcdef.tmp\n' >"$out/train/.gone.mp4.cpab-lock"
echo half >"$out/train/.cpab-0123456789abcdef.tmp"
succeed "0 cut, 2 kept, 0 failed" "${small[@]}"
expect_none "$out"/train/.gone.mp4.cpab-lock "$out"/train/.cpab-0123456789abcdef.tmp

# Another size, or another partition, is an error unless --overwrite is given.
expect 1 "2 clips in $out were cut with size 32x32, not 64x64; --overwrite cuts them anew" \
  "${cut[@]}" --size 64
[[ $(cksum "$out"/*/*.mp4) == "$before" ]] || complain "a refused run writes"
succeed "2 cut, 0 kept, 0 failed" "${cut[@]}" --size 64 --overwrite
[[ $(cksum "$out"/*/*.mp4) != "$before" ]] || complain "--overwrite cuts nothing"

table dance,0,0.4,,a,test dance.mp4,1,1.4,,b,test
"$program" "${cut[@]}" --size 64 >/dev/null 2>&1 &&
  complain "a clip may be in train and in test"
succeed "1 cut, 1 kept, 0 failed; 0 in train, 2 in test" \
  "${cut[@]}" --size 64 --overwrite
expect_none "$out"/train/a.mp4
grep -q "no clip is in train" "$TEST_TMPDIR/stderr" ||
  complain "nothing is said of an empty train/"

# Boxes: what is said of those beyond the frame, and of those that grow.
out2=$TEST_TMPDIR/set2
table dance,0,0.1,200-200-400-400,a,train dance,0,0.1,0-0-20-100,b,test
succeed "2 cut" "${small[@]/$out/$out2}" --png
expect_files "$out2"/train/a/000000.png "$out2"/test/b/000000.png
for words in "clip a (line 2): its box reaches beyond the frame; cut to 200-200-256-256" \
  "1 box was widened about the centre"; do
  grep -q -F -- "$words" "$TEST_TMPDIR/stderr" ||
    complain "not said: $words, but $(<"$TEST_TMPDIR/stderr")"
done

# What is not read as it was filmed.
succeed "2 cut" --videos pipelines/media/testdata/video/hdr-hlg.mp4 \
  --output "$TEST_TMPDIR/set15" --size 32
grep -q "warning: .*hdr-hlg.mp4 is HDR" "$TEST_TMPDIR/stderr" ||
  complain "nothing is said of HDR: $(<"$TEST_TMPDIR/stderr")"

# Without a column partition all goes to train; times may overlap.
printf 'file,start,end\ndance,0,0.1\n' >"$TEST_TMPDIR/clips.csv"
succeed "1 in train, 0 in test" "${small[@]/$out/$TEST_TMPDIR/set3}"
grep -q "no clip is in test" "$TEST_TMPDIR/stderr" ||
  complain "nothing is said of an empty test/"
table dance,0,0.2,,a,train dance,0.1,0.3,,b,test
succeed "2 cut" "${small[@]/$out/$TEST_TMPDIR/set4}"
grep -q "lines 2 and 3 put frames of dance into both" "$TEST_TMPDIR/stderr" ||
  complain "nothing is said of shared frames"

# What lies beside a video is not cut in its place.
mkdir "$TEST_TMPDIR/beside"
cp "$videos/dance.mp4" "$TEST_TMPDIR/beside/talk.mp4"
for picture in talk.jpg talk.mp4.jpg talk.png; do
  echo "no video" >"$TEST_TMPDIR/beside/$picture"
done
table talk,0,0.2,,a,train talk.mp4,1,,,b,test
succeed "2 cut" --list "$TEST_TMPDIR/clips.csv" --videos "$TEST_TMPDIR/beside" \
  --output "$TEST_TMPDIR/set10" --size 32
cp "$videos/dance.mp4" "$TEST_TMPDIR/beside/talk.mov"
expect 1 "beside: talk may be talk.mov or talk.mp4; write its ending, too" \
  --list "$TEST_TMPDIR/clips.csv" --videos "$TEST_TMPDIR/beside" \
  --output "$TEST_TMPDIR/set10" --size 32

# A clip that fails does not stop the others.
table dance,0,0.1,,a,train dance,99,100,,late,test gone,0,1,,gone,test
"$program" "${small[@]/$out/$TEST_TMPDIR/set5}" >"$TEST_TMPDIR/said" 2>&1
[[ $? == 1 ]] || complain "exit code of clips that cannot be cut"
for words in "clip late (line 3)" "clip gone (line 4)" "2 of 3 clips could not" \
  "1 cut, 0 kept, 2 failed; 1 in train, 0 in test"; do
  grep -q -F "$words" "$TEST_TMPDIR/said" || complain "not said: $words"
done
expect_files "$TEST_TMPDIR"/set5/train/a.mp4
grep -q -e late -e gone "$TEST_TMPDIR/set5/cut_clips.csv" &&
  complain "the record tells of clips that could not be cut"

# What cannot be cut anew is not taken away.
mkdir "$TEST_TMPDIR/leaving"
cp "$videos/dance.mp4" "$TEST_TMPDIR/leaving/one.mp4"
table one,0,0.4,,a,train one,1,1.4,,b,test
leaving=(--list "$TEST_TMPDIR/clips.csv" --videos "$TEST_TMPDIR/leaving" --output "$TEST_TMPDIR/set13")
succeed "2 cut" "${leaving[@]}" --size 32
rm "$TEST_TMPDIR/leaving/one.mp4"
expect 1 "cannot be cut anew" "${leaving[@]}" --size 64 --overwrite
expect 1 "cannot be cut anew" "${leaving[@]}" --size 32 --png --overwrite
table one,0,0.4,,a,test one,1,1.4,,b,test
expect 1 "train/a.mp4 cannot be cut anew" "${leaving[@]}" --size 32 --overwrite
expect_files "$TEST_TMPDIR"/set13/train/a.mp4 "$TEST_TMPDIR"/set13/test/b.mp4

# Where the system is in the way, another try may help.
table dance,0,0.4,,a,train dance,1,1.4,,b,test
(
  trap "" XFSZ
  ulimit -f 2  # of 1024 bytes
  "$program" "${cut[@]/$out/$TEST_TMPDIR/set11}" --size 256 --crf 0 2>&1
) >"$TEST_TMPDIR/said"
[[ $? == 129 ]] || complain "a full disk: exit code $?, $(<"$TEST_TMPDIR/said")"
grep -q "2 of 2 clips could not be cut" "$TEST_TMPDIR/said" ||
  complain "a full disk: $(<"$TEST_TMPDIR/said")"

# The clips of one table are no videos of the next in the same place, and the
# table is no record.
table dance,0,0.4,,a,train
own=$TEST_TMPDIR/set6
succeed "1 cut" "${small[@]/$out/$own}"
table a,0,0.2,,a,train
before=$(cksum "$own/train/a.mp4")
expect 2 "train/a.mp4: is the input" --list "$TEST_TMPDIR/clips.csv" \
  --videos "$own/train" --output "$own" --size 32 --overwrite
mkdir "$TEST_TMPDIR/links"
ln -s "$own/train/a.mp4" "$TEST_TMPDIR/links/a.mp4"
expect 2 "train/a.mp4: is the input" --list "$TEST_TMPDIR/clips.csv" \
  --videos "$TEST_TMPDIR/links" --output "$own" --size 32 --overwrite
[[ $(cksum "$own/train/a.mp4") == "$before" ]] || complain "an input was replaced"
table dance,0,0.4,,a,train
mkdir "$TEST_TMPDIR/set7"
cp "$TEST_TMPDIR/clips.csv" "$TEST_TMPDIR/set7/cut_clips.csv"
for list in clips.csv set7/cut_clips.csv; do
  expect 1 "cut_clips.csv: is no record of this program" \
    --list "$TEST_TMPDIR/$list" --videos "$videos" --output "$TEST_TMPDIR/set7" --overwrite
done
cmp "$TEST_TMPDIR/clips.csv" "$TEST_TMPDIR/set7/cut_clips.csv" ||
  complain "a table of the user's was replaced"

# Without a table: whole videos.
mkdir "$TEST_TMPDIR/mine"
cp "$videos/dance.mp4" "$TEST_TMPDIR/mine/one.mp4"
cp "$videos/dance.mp4" "$TEST_TMPDIR/mine/two.mp4"
echo text >"$TEST_TMPDIR/mine/notes.txt"
whole=(--videos "$TEST_TMPDIR/mine" --output "$TEST_TMPDIR/set8" --size 32)
succeed "2 cut, 0 kept, 0 failed; 1 in train, 1 in test" "${whole[@]}" --test two
expect_files "$TEST_TMPDIR"/set8/train/one.mp4 "$TEST_TMPDIR"/set8/test/two.mp4
grep -q "skipped .*notes.txt" "$TEST_TMPDIR/stderr" ||
  complain "nothing is said of a skipped file"
# Another choice of test videos leaves no clip in both.
"$program" "${whole[@]}" --test one >"$TEST_TMPDIR/said" 2>&1 &&
  complain "a video may be in train and in test"
grep -q "train/one.mp4 shows the same as test/one.mp4" "$TEST_TMPDIR/said" ||
  complain "$(<"$TEST_TMPDIR/said")"
succeed "4 cut, 0 kept, 0 failed; 2 in train, 2 in test" "${whole[@]}" --overwrite
expect_none "$TEST_TMPDIR"/set8/train/one.mp4 "$TEST_TMPDIR"/set8/test/two.mp4
succeed "0 cut, 4 kept" "${whole[@]}"

# A video that has moved is still the same.
mkdir "$TEST_TMPDIR/v"
cp "$videos/dance.mp4" "$TEST_TMPDIR/v/a.mp4"
cp "$videos/dance.mp4" "$TEST_TMPDIR/v/b.mp4"
succeed "4 cut" --videos "$TEST_TMPDIR/v" --output "$TEST_TMPDIR/set12" --size 32
mv "$TEST_TMPDIR/v" "$TEST_TMPDIR/v of x"
succeed "2 cut" --videos "$TEST_TMPDIR/v of x" --output "$TEST_TMPDIR/set12" --size 32 --test a
grep -q "warning: test/a.mp4 and train/a#.*, which is there already, show the same frames" \
  "$TEST_TMPDIR/stderr" || complain "nothing is said of a video that has moved: $(<"$TEST_TMPDIR/stderr")"

# A test clip is kept when its video is gone, and the same command goes on.
mkdir "$TEST_TMPDIR/left"
for name in a "c, d"; do cp "$videos/dance.mp4" "$TEST_TMPDIR/left/$name.mp4"; done
left=(--videos "$TEST_TMPDIR/left" --output "$TEST_TMPDIR/set16" --size 32 --test "c, d")
succeed "2 cut, 0 kept, 0 failed; 1 in train, 1 in test" "${left[@]}"
rm "$TEST_TMPDIR/left/c, d.mp4"
succeed "0 cut, 2 kept, 0 failed; 1 in train, 1 in test" "${left[@]}"
grep -q "no clip is in test" "$TEST_TMPDIR/stderr" && complain "it says that no clip is in test"
expect_files "$TEST_TMPDIR"/set16/train/a.mp4 "$TEST_TMPDIR/set16/test/c, d.mp4"
expect 2 "--test names ., but" "${left[@]/c, d/.}"

# A name may have commas.
mkdir "$TEST_TMPDIR/commas"
for name in "Smith, J" Smith; do
  cp "$videos/dance.mp4" "$TEST_TMPDIR/commas/$name.mp4"
done
succeed "2 cut, 0 kept, 0 failed; 1 in train, 1 in test" \
  --videos "$TEST_TMPDIR/commas" --output "$TEST_TMPDIR/set_of_commas" --size 32 --test "Smith, J"
expect_files "$TEST_TMPDIR/set_of_commas/test/Smith, J.mp4" "$TEST_TMPDIR/set_of_commas/train/Smith.mp4"

# Other videos of the same names are other clips.
mkdir -p "$TEST_TMPDIR/other/mine"
cp "$TEST_TMPDIR"/mine/*.mp4 "$TEST_TMPDIR/other/mine"
other=(--videos "$TEST_TMPDIR/other/mine" --output "$TEST_TMPDIR/set8" --size 32)
"$program" "${other[@]}" >"$TEST_TMPDIR/said" 2>&1 &&
  complain "clips of other videos are kept"
grep -q "4 clips in .* are not as asked for" "$TEST_TMPDIR/said" ||
  complain "$(<"$TEST_TMPDIR/said")"
succeed "4 cut, 0 kept, 0 failed" "${other[@]}" --overwrite
succeed "0 cut, 4 kept" "${other[@]}"

# Two folders are two tables, also where an installed program takes the current
# one.
for name in here there; do
  mkdir "$TEST_TMPDIR/$name"
  cp "$videos/dance.mp4" "$TEST_TMPDIR/$name/$name.mp4"
  (
    installed=$PWD/$program
    cd "$TEST_TMPDIR/$name" || exit 1
    env -u CPAB_USER_DIRECTORY -u BUILD_WORKING_DIRECTORY \
      "$installed" --output "$TEST_TMPDIR/set14" --size 32
  ) >"$TEST_TMPDIR/said" 2>&1 || complain "in $name: $(<"$TEST_TMPDIR/said")"
done
expect_files "$TEST_TMPDIR"/set14/train/{here,there}#*.mp4

# One video, and another one beside it.
one=(--output "$TEST_TMPDIR/set9" --size 32)
succeed "2 cut, 0 kept, 0 failed; 1 in train, 1 in test" --videos "$TEST_TMPDIR/mine/one.mp4" "${one[@]}"
succeed "2 cut, 0 kept, 0 failed" --videos "$TEST_TMPDIR/mine/two.mp4" "${one[@]}"
succeed "0 cut, 2 kept, 0 failed" --videos "$TEST_TMPDIR/mine/one.mp4" "${one[@]}"
[[ $(ls "$TEST_TMPDIR/set9/train" | wc -l) == 2 ]] || complain "$(ls "$TEST_TMPDIR"/set9/*)"
expect 1 "notes.txt: is no video" --videos "$TEST_TMPDIR/mine/notes.txt" "${one[@]}"
expect 2 "--videos is one video" --videos "$TEST_TMPDIR/mine/one.mp4" "${one[@]}" --list "$TEST_TMPDIR/clips.csv"

expect 2 "--test names gone" "${whole[@]}" --test gone
expect 2 "--test is for videos without a --list" "${cut[@]}" --test dance
expect 2 "--unit frames says what a --list counts" "${whole[@]}" --unit frames

expect 2 "--output is missing" --list "$TEST_TMPDIR/clips.csv"
expect 2 "--size is 1; use 0 or 2 to 4096" "${cut[@]}" --size 1
expect 2 "--unit is hours" "${cut[@]}" --unit hours
expect 2 "--crf is 60" "${cut[@]}" --crf 60
expect 2 "--crf is of mp4 and has no effect with --png" "${cut[@]}" --png --crf 40
expect 2 "unexpected argument 'stray'" "${cut[@]}" stray
expect 1 "nowhere.csv" --list /nowhere.csv --output "$out"
expect 1 "nowhere" "${cut[@]/$videos//nowhere}"
echo "no,columns" >"$TEST_TMPDIR/clips.csv"
expect 1 "clips.csv:1: there is no column file" "${cut[@]}"
expect_help videos test list output unit size png crf overwrite
finish
