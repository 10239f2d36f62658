#!/bin/bash
# Packs of try_gpu.sh, of programs that no compiler made.
set -euo pipefail
cd "$TEST_TMPDIR"
tools=$TEST_TMPDIR/tree/tools built=$TEST_TMPDIR/tree/bazel-bin/cpab/cuda
mkdir -p "$tools/systems"
cp "$TEST_SRCDIR/$TEST_WORKSPACE/tools/systems/try_gpu.sh" "$tools/systems"
ln -s /bin/true "$tools/bazelw"
for program in kernels_test kernels_benchmark; do
  mkdir -p "$built/$program.runfiles/cpab_animation/cpab/cuda"
  touch "$built/$program.runfiles/cpab_animation/cpab/cuda/$program"
done

fail() {
  echo "$*"
  exit 1
}
pack() {
  "$tools/systems/try_gpu.sh" pack "$1"
}

# A second pack keeps nothing of the first.
pack packed
touch packed/tests/of_an_earlier_state
pack packed
[[ $(ls packed/tests packed/benchmarks | grep -c cpab.cuda.kernels_) == 2 ]] || fail "it packs $(ls packed/*)"
[[ ! -e packed/tests/of_an_earlier_state ]] || fail "a test of an earlier pack is left"

# What no pack made is kept.
for name in tests benchmarks; do
  mkdir -p "mine/$name"
  touch "mine/$name/my_own"
  said=$(pack mine 2>&1) && fail "mine/$name is packed over"
  [[ "$said" == *"mine/$name is not of a pack; name another FOLDER" ]] || fail "of mine/$name it says: $said"
  [[ -e "mine/$name/my_own" ]] || fail "mine/$name is gone"
  rm -r mine
done
