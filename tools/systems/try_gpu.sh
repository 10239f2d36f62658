#!/usr/bin/env bash
# Tries CPAB's kernels and the tests of all devices on the NVIDIA GPU at hand:
# tests, compute-sanitizer on the kernels, benchmarks.
#
#   tools/systems/try_gpu.sh                builds, then runs; some minutes after the build
#   tools/systems/try_gpu.sh pack FOLDER    builds only, with all that a run needs
#   FOLDER/try_gpu.sh run           runs what was packed: for a machine with a
#                                   GPU and without compilers or a network
#
# The build needs nvcc (see cpab/README.md), and a LibTorch with CUDA for the
# tests of tensors: LIBTORCH=pip:2.11.0, or a folder that holds one. Without
# LIBTORCH only what needs no LibTorch is tried. What the CUDA LibTorch links
# with has to be at the same place where the pack runs. Reports go to $OUT, or to
# FOLDER/report.
set -euo pipefail

readonly KERNEL_TESTS='//cpab/cuda:kernels_test'
readonly TENSOR_TESTS='//cpab/torch:tensor_fit_test //cpab/torch:transform_test //cpab/torch:tensor_warp_test
  //keypoints:keypoints_device_test //losses:losses_device_test
  //networks:copy_ahead_test //networks:networks_device_test //networks:recompute_test //networks:recorded_call_test
  //networks/dino:dinov2_test //networks/sam:tiny_vit_test //networks/testing:devices_test
  //pipelines/animation:animator_test //pipelines/animation:animate_video_test //pipelines/animation:repeated_call_test
  //pipelines/avd:avd_training_test //pipelines/evaluation:reconstruction_test //pipelines/model:motion_device_test
  //pipelines/optimizer:optimizer_device_test //pipelines/parallel:process_group_test
  //pipelines/training:learner_device_test'
readonly BENCHMARK='//cpab/cuda:kernels_benchmark'
readonly TENSOR_BENCHMARK='//pipelines/training:gpu_benchmark'

fail() {
  echo >&2 "try_gpu: $1"
  exit "${2:-1}"
}

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

# add LABEL FOLDER: what Bazel built by a label, with the files that it reads, as
# FOLDER/NAME; the program is FOLDER/NAME/run.
add() {
  local label="${1#//}" name
  name="${label//[\/:]/.}"
  cp -rL "bazel-bin/${label/://}.runfiles/cpab_animation" "$2/$name"
  ln -s "${label/://}" "$2/$name/run"
}

pack() {
  local folder="$1" tests="$KERNEL_TESTS" benchmarks="$BENCHMARK" label part
  for part in "$folder"/{tests,benchmarks}; do
    [[ ! -e "$part" || -e "$part/.try_gpu" ]] || fail "$part is not of a pack; name another FOLDER" 2
  done
  if [[ -n "${LIBTORCH:-}" ]]; then
    tests+=" $TENSOR_TESTS"
    benchmarks+=" $TENSOR_BENCHMARK"
  fi
  # shellcheck disable=SC2086
  tools/bazelw build --config=cuda $tests $benchmarks
  for part in "${folder:?}"/{tests,benchmarks}; do
    rm -rf "$part"  # of an earlier pack, also what this one has not
    mkdir -p "$part"
    touch "$part/.try_gpu"
  done
  for label in $tests; do add "$label" "$folder/tests"; done
  for label in $benchmarks; do add "$label" "$folder/benchmarks"; done
  cp tools/systems/try_gpu.sh "$folder/try_gpu.sh"
  echo "try_gpu: packed $(du -sh "$folder" | cut -f1) in $folder"
}

# step NAME SECONDS COMMAND...: one line on how it went, its output in a file.
step() {
  local name="$1" limit="$2" code=0 start=$SECONDS
  shift 2
  timeout --kill-after=5 "$limit" "$@" >"$report/$name.txt" 2>&1 || code=$?
  local skipped=0
  skipped=$(grep '^\[  SKIPPED \] [A-Z].*ms)' "$report/$name.txt" | grep -vc '/stand_in' || true)
  printf '%-34s exit %-3d %4d s%s\n' "$name" "$code" $((SECONDS - start)) \
    "$([[ "$skipped" == 0 ]] || echo ", $skipped tests skipped")" |
    tee -a "$report/summary.txt"
  # On a GPU only cases of its stand-in are skipped.
  [[ "$code" == 0 && "$skipped" == 0 ]] || failed=1
}

# Some minutes; the times add up to 30 minutes if everything hangs.
run() {
  local folder="$1" test name tool sanitizer
  report="${OUT:-$folder/report}" failed=0
  mkdir -p "$report"
  : >"$report/summary.txt"
  step gpu 15 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  cat "$report/gpu.txt"
  for test in "$folder"/tests/*; do
    name=$(basename "$test")
    step "$name" 60 env -C "$test" ./run
  done
  sanitizer=$(command -v compute-sanitizer || ls "${CUDA_PATH:-/usr/local/cuda}/bin/compute-sanitizer" 2>/dev/null || true)
  if [[ -n "$sanitizer" ]]; then
    for tool in memcheck racecheck synccheck initcheck; do
      step "$tool" 45 env -C "$folder/tests/cpab.cuda.kernels_test" \
        "$sanitizer" --tool "$tool" --error-exitcode 9 ./run
    done
  else
    echo "compute-sanitizer is not installed: not run" | tee -a "$report/summary.txt"
  fi
  for test in "$folder"/benchmarks/*; do
    name=$(basename "$test")
    step "$name" 150 env -C "$test" ./run --benchmark_min_time=0.3 \
      --benchmark_out="$report/$name.json" --benchmark_out_format=json
    grep '^BM_' "$report/$name.txt" || true
  done
  return "$failed"
}

# The programs run in folders of their own.
[[ -z "${OUT:-}" ]] || OUT=$(realpath -m "$OUT")
case "${1:-}" in
  '')
    cd "$(dirname "${BASH_SOURCE[0]}")/../.."
    folder=$(mktemp -d "${TMPDIR:-/tmp}/try_gpu.XXXXXX")
    pack "$folder"
    run "$folder"
    ;;
  pack)
    [[ $# -eq 2 ]] || { usage >&2; exit 2; }
    folder=$(realpath -m "$2")
    cd "$(dirname "${BASH_SOURCE[0]}")/../.."
    pack "$folder"
    ;;
  run)
    folder=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
    [[ -d "$folder/benchmarks" ]] || fail "$folder holds no packed tests; see tools/systems/try_gpu.sh --help" 2
    run "$folder"
    ;;
  --help | -h) usage ;;
  *) fail "$1 is neither pack nor run; see tools/systems/try_gpu.sh --help" 2 ;;
esac
