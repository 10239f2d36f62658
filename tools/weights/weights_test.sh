#!/bin/bash
# Runs the program as a user does: exit codes, stdout, one line on stderr.
set -u
readonly weights="$PWD/tools/weights/weights"
readonly zip="$PWD/networks/weights/testdata/tiny_zip.pth"
readonly legacy="$PWD/networks/weights/testdata/tiny_legacy.pth"
cd "$TEST_TMPDIR" || exit 1
failures=0

# expect CODE TEXT ARGUMENT...: the exit code, and a text in what is printed;
# errors are one line on stderr, and nothing on stdout.
expect() {
  local code="$1" text="$2" status ok=1
  shift 2
  "$weights" "$@" > out 2> err
  status=$?
  [[ $status == "$code" && $(cat out err) == *"$text"* ]] || ok=0
  if [[ $(cat err) == *error* && ($(wc -l < err) != 1 || -s out) ]]; then ok=0; fi
  if [[ $ok == 0 ]]; then
    echo "FAILED: weights $*: exit code $status, expected $code and '$text':"
    cat out err
    failures=$((failures + 1))
  fi
}

head -c 100 "$zip" > cut.pth
expect 0 "weights -- convert INPUT OUTPUT" --help
expect 0 "Of diff:
  --tolerance" --help
grep -q "^Other flags:" out && expect 0 "flags without a group" --help
expect 0 "model.a.weight" list "$zip"
expect 0 "19 tensors are the same, 0 differ" diff "$zip" "$legacy"
expect 0 "wrote 2 tensors" convert "$zip" a.safetensors --prefix model.a.
expect 1 "only in" diff "$zip" a.safetensors
expect 1 "cut.pth: the zip archive has no directory" list cut.pth
mkdir -p run/checkpoints
expect 1 "run: is a folder; name a file in $PWD/run/checkpoints" list "$PWD/run"
expect 2 "unknown command 'lst'" lst "$zip"
expect 2 "list takes 1 file, not 2" list "$zip" "$legacy"
expect 2 "--dtype int8" convert "$zip" b.safetensors --dtype int8
expect 2 "b.onnx: the name must end in .safetensors" convert "$zip" b.onnx
expect 2 "--prefix has no effect with diff; it is a flag of list and convert" \
  diff "$zip" "$legacy" --prefix model.
expect 2 "--tolerance is nan; use 0 or more" diff "$zip" "$legacy" --tolerance nan
expect 2 "--tolerance has no effect with convert" convert "$zip" b.safetensors --tolerance 1
expect 2 "--dtype has no effect with list" list "$zip" --dtype float16
expect 2 "--keep_prefix has no effect without --prefix" convert "$zip" b.safetensors --keep_prefix

# No output replaces what is there, and none the input. By how many ways an output
# may be the input, or no file, is in networks/files/outputs_test.cc.
cp "$zip" mine.pth
echo precious > there.safetensors
ln mine.pth same.pth
expect 2 "there.safetensors exists; give --overwrite" convert mine.pth there.safetensors
[[ $(<there.safetensors) == precious ]] || expect 0 "there.safetensors was replaced"
expect 0 "wrote 19 tensors" convert mine.pth there.safetensors --overwrite
expect 2 "is the input" convert mine.pth same.pth --overwrite
cmp "$zip" mine.pth || expect 0 "mine.pth was changed"
exit $((failures > 0))
