#!/bin/bash
# register_images as a user runs it, at small size.
program=tools/register_images
. pipelines/app/program_testing.sh
moving=pipelines/pretrained/puppet.png
fixed=$TEST_TMPDIR/puppets/train/00000.png
out=$TEST_TMPDIR/out
tools/make_puppets --output "$TEST_TMPDIR/puppets" --size 32 --train 1 --test 0 \
  --frames 2 >"$TEST_TMPDIR/log" 2>&1 || complain "$(<"$TEST_TMPDIR/log")"

# A picture is like itself; as many cells as only a sparse basis has.
succeed "difference 0.0000, was 0.0000" --moving "$moving" --fixed "$moving" \
  --output "$out" --side 16 --cells 36
expect_files "$out"/{warped,grid,field}.png

# The fixed one is two frames beside each other: of another size and aspect.
succeed "$out/fixed" --moving "$moving" --fixed "$fixed" --output "$out/fixed" \
  --side 16 --cells 2 --noise 0.05 --zero_boundary
expect_files "$out"/fixed/{warped,grid,field}.png
said=$(grep -c ", not converged" "$TEST_TMPDIR/stdout")
warned=$(grep -c "warning: not converged: .*raise --noise" "$TEST_TMPDIR/stderr")
[[ $said == "$warned" ]] || complain "$warned warnings where not converged is said $said times"

# The same waves in pictures of different sizes, one larger along x and one along
# y: 0 and 1 are the centres of the first and the last pixel.
waves() {
  awk -v width="$1" -v height="$2" 'BEGIN {
    print "P2", width, height, 255
    for (y = 0; y < height; ++y) for (x = 0; x < width; ++x) printf "%d\n",
      128 + 100 * sin(9 * x / (width - 1) + 1) * cos(7 * y / (height - 1))
  }'
}
waves 160 40 >"$TEST_TMPDIR/wide.pgm"
waves 40 160 >"$TEST_TMPDIR/high.pgm"
pair=(--side 32 --cells 1 --fixed "$TEST_TMPDIR/high.pgm")
succeed "$out/waves" "${pair[@]}" --moving "$TEST_TMPDIR/wide.pgm" \
  --output "$out/waves"
# The warped picture is like the fixed one: what is left is interpolation.
succeed "was 0.00" "${pair[@]}" --moving "$out/waves/warped.png" \
  --output "$out/again"

# The difference that is left and the one that was, in units of 0.0001.
differences() {
  "$program" "${pair[@]}" --side 16 --cells 2,4 "$@" 2>"$TEST_TMPDIR/stderr" |
    sed -n 's/.*difference 0[.]0*\([0-9]*\), was 0[.]0*\([0-9]*\);.*/\1 \2/p'
}

# A basis that is stored sparsely has another prior: another result, which is
# like the fixed picture, too.
pair=(--moving "$moving" --fixed "$fixed")
dense=$(differences --output "$out/dense")
sparse=$(differences --output "$out/sparse" --sparse_basis)
for both in "$dense" "$sparse"; do
  read -r left was <<<"$both"
  [[ -n $left && -n $was ]] && ((left < was)) || complain "'$left' is left of '$was'"
done
cmp -s "$out"/{dense,sparse}/warped.png && complain "--sparse_basis does nothing"
# With more than 8 cells there is no other.
succeed "$out/fine" "${pair[@]}" --output "$out/fine" --side 16 --cells 3,9
succeed "$out/finer" "${pair[@]}" --output "$out/finer" --side 16 --cells 3,9 --sparse_basis
cmp -s "$out"/{fine,finer}/warped.png || complain "9 cells have a dense basis"

# Of pictures that are there none is replaced.
cp "$moving" "$TEST_TMPDIR/me.png"
safe=(--moving "$TEST_TMPDIR/me.png" --fixed "$fixed" --output "$TEST_TMPDIR/safe"
  --side 16 --cells 1)
expect_safe_output "$TEST_TMPDIR/safe/warped.png" "$TEST_TMPDIR/me.png" "${safe[@]}"
for name in warped grid; do
  rm "$TEST_TMPDIR/safe/$name.png"
  expect 2 "exists; give --overwrite to replace it" "${safe[@]}"
done
expect_files "$TEST_TMPDIR/safe/field.png"

# A folder may have the name of a picture.
pictures=("${pair[@]}" --side 16 --cells 1 --overwrite)
succeed "new.jpg/" "${pictures[@]}" --output "$TEST_TMPDIR/new.jpg/"
succeed "new.jpg" "${pictures[@]}" --output "$TEST_TMPDIR/new.jpg"
expect_files "$TEST_TMPDIR"/new.jpg/{warped,grid,field}.png

echo mine >"$TEST_TMPDIR/file"
out=$TEST_TMPDIR/none
cp "$moving" "$TEST_TMPDIR/safe/grid.png"
expect 2 "is the input" --moving "$moving" --fixed "$TEST_TMPDIR/safe/grid.png" \
  --output "$TEST_TMPDIR/safe" --overwrite
expect 2 "--fixed and --output are missing; --help tells what they are" --moving "$moving"
expect 2 "--output is missing; --help tells what it is" "${pair[@]}"
expect 2 "registered.png', the name of a picture; name the folder" "${pair[@]}" \
  --output "$TEST_TMPDIR/registered.png"
expect 2 "unexpected argument 'stray'" "${pair[@]}" --output "$out" stray
expect 2 "--cells is '2,3'" "${pair[@]}" --output "$out" --cells 2,3
expect 2 "--cells is '2,x'" "${pair[@]}" --output "$out" --cells 2,x
expect 2 "--cells is '129'; use numbers from 1 to 128" "${pair[@]}" \
  --output "$out" --cells 129
expect 2 "--cells is '0'" "${pair[@]}" --output "$out" --cells 0
expect 2 "--side is 8; use 16 or more" "${pair[@]}" --output "$out" --side 8
expect 2 "--noise is 0; use a number above 0" "${pair[@]}" --output "$out" --noise 0
# A picture that is missing, a folder, none, or cut off.
absent=$TEST_TMPDIR/absent.png
mkdir "$TEST_TMPDIR/folder"
cut=$TEST_TMPDIR/cut.png
head -c 1000 "$moving" >"$cut"
for bad in "$absent: cannot open this file: No such file" "$TEST_TMPDIR/folder: is a folder" \
  "$TEST_TMPDIR/file is not an image" "$cut: the image is truncated"; do
  path=${bad%%: *}
  path=${path%% is not*}
  expect 1 "$bad" --moving "$path" --fixed "$fixed" --output "$out"
  expect 1 "$bad" --moving "$moving" --fixed "$path" --output "$out"
done
printf 'P5 32767 2 255\n%65534s' >"$TEST_TMPDIR/long.pgm"
expect 1 "long.pgm has 32767x2 pixels; use at most 32766 a side" \
  --moving "$moving" --fixed "$TEST_TMPDIR/long.pgm" --output "$out"
expect_none "$out" "$TEST_TMPDIR/registered.png"
expect 1 "file/below" "${pair[@]}" --output "$TEST_TMPDIR/file/below" --side 16
expect_help moving fixed output overwrite cells sparse_basis side noise \
  zero_boundary
finish
