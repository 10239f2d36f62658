#!/bin/bash
# make_puppets as a user runs it, at small size.
program=tools/make_puppets
. pipelines/app/program_testing.sh
small=(--size 16 --train 1 --test 1 --frames 2 --flow)
out=$TEST_TMPDIR/puppets

succeed "$out" --output "$out" "${small[@]}"
expect_files "$out"/{train,test}/00000.png "$out"/manifest.json \
  "$out"/truth/{train,test}/00000/{joints.csv,layers.csv,outlines.csv,flow.npy}

succeed again --output "$TEST_TMPDIR/again" "${small[@]}"
diff -r "$out" "$TEST_TMPDIR/again" || complain "equal seeds give other files"

touch -d 2001-01-01 "$out"/train/00000.png
succeed "was there" --output "$out" "${small[@]}"
[[ "$out"/train/00000.png -ot "$out"/test/00000.png ]] ||
  complain "a data set that was there was written anew"

expect 1 "$out: holds something other" --output "$out" "${small[@]}" --seed 2
expect 2 "--output is missing"
echo mine >"$TEST_TMPDIR/file"
expect 1 "file" --output "$TEST_TMPDIR/file/below" "${small[@]}"
expect 2 "size is 8; use 16 to 1024" --output "$TEST_TMPDIR/none" --size 8
expect 2 "unexpected argument 'stray'" --output "$TEST_TMPDIR/none" stray
expect_none "$TEST_TMPDIR/none"
expect_help output size train test frames seed camera flow supersampling
finish
