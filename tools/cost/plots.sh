#!/bin/bash
# Plots how the programs' time and memory grow with their work: a picture each.
#
#   tools/bazelw run //tools/cost:plots -- [--few] FOLDER [PLOT...]
#
# Writes FOLDER/PLOT.svg, and replaces it. Without PLOT, writes all of the table
# below. Each amount of work is run twice, and the lower figures count. --few
# takes the two least amounts of each, once: a trial of the script.
#
# Prints a row of tools/README.md's table each; ends with 0 if all is done, with
# 1 if a program failed, with 2 for a wrong command line.
set -u

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

# Function (below), its amounts of work, what they count, and the title.
table="\
animate_frames|8,16,32,64|frames|animate, 128x128, one thread
animate_pixels|64,128,256,384|pixels along each side|animate, four frames, one thread
train_steps|4,8,16,32|steps|train, demo, one thread
train_processes|1,2,4|processes|train, demo, eight steps of four pairs in all
make_puppets_clips|8,32,128|clips|make_puppets, 64x64, eight frames a clip
register_images_pixels|64,128,192,256|pixels along each side|register_images, 8x8 cells
register_images_cells|4,8,16,32|cells along each axis|register_images, 128x128
warp_image_cells|4,8,12,16|cells along each axis|warp_image, 256x256, two points
warp_image_points|16,64,144,256|points|warp_image, 256x256, 4x4 cells"

[[ "${1:-}" != @(--help|-h) ]] || { usage; exit 0; }
few=0
[[ "${1:-}" != --few ]] || { few=1 && shift; }
[[ -n "${1:-}" && "$1" != -* ]] || {
  usage >&2
  exit 2
}
# Where the user stands.
folder=$1
[[ "$folder" == /* ]] || folder=${CPAB_USER_DIRECTORY:-${BUILD_WORKING_DIRECTORY:-$PWD}}/$folder
chosen=("${@:2}")
for name in "${chosen[@]}"; do
  grep -q "^$name|" <<<"$table" || {
    echo "plots: there is no plot '$name'; there are $(cut -d'|' -f1 <<<"$table" | xargs)" >&2
    exit 2
  }
done

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C scratch OMP_NUM_THREADS=1 XDG_CACHE_HOME=$scratch/cache
export puppet=$PWD/pipelines/pretrained/puppet.png dance=$PWD/pipelines/pretrained/dance.mp4

# What is measured: functions of an amount of work.
animate() {
  pipelines/animate --device cpu --threads 1 --quiet --overwrite \
    --source "$puppet" --driving "$dance" --output "$scratch/animation.mp4" "$@"
}
animate_frames() { animate --max_frames "$1"; }
animate_pixels() { animate --max_frames 4 --model_size "$1"; }

train() {
  pipelines/train --config demo --device cpu --threads 1 --output "$scratch/run" \
    --set data.folder="$scratch/clips" --set training.motion_steps=0 "$@"
}
train_steps() {
  rm -rf "$scratch/run"
  train --set training.max_steps="$1"
}
# Eight steps of four pairs, which the processes share.
train_processes() {
  local rank pids=() code=0
  rm -rf "$scratch/run"
  export WORLD_SIZE=$1 MASTER_ADDR=127.0.0.1 MASTER_PORT=$((20000 + RANDOM % 10000))
  for ((rank = 0; rank < $1; ++rank)); do
    RANK=$rank LOCAL_RANK=$rank train --set training.max_steps=8 \
      --set training.batch_size=$((4 / $1)) &
    pids+=($!)
  done
  for rank in "${pids[@]}"; do wait "$rank" || code=$?; done
  return "$code"
}

make_puppets_clips() {
  rm -rf "$scratch/puppets"
  tools/make_puppets --output "$scratch/puppets" --train "$1" --test 0 --frames 8
}

register_images() {
  tools/register_images --overwrite --moving "$puppet" \
    --fixed "$scratch/moved.png" --output "$scratch/registered" "$@"
}
register_images_pixels() { register_images --side "$1"; }
register_images_cells() { register_images --cells "$1"; }

warp_image() {
  tools/warp_image --overwrite --image "$puppet" --output "$scratch/moved.png" "$@"
}
warp_image_cells() { warp_image --move "104,161,90,150; 103,233,103,233" --cells "$1"; }
# Pairs on a square grid, which a smooth field can meet.
warp_image_points() {
  warp_image --move "$(awk -v count="$1" 'BEGIN {
    side = sqrt(count)
    for (i = 0; i < count; ++i) {
      x = 255 * (i % side + 0.5) / side
      y = 255 * (int(i / side) + 0.5) / side
      printf "%s%g,%g,%g,%g", i ? ";" : "", x, y, x + 8 * sin(x / 81), y + 8 * sin(y / 81)
    }
  }')"
}
# For the shells that the tool starts.
export -f animate animate_frames animate_pixels train train_steps \
  train_processes make_puppets_clips register_images register_images_pixels \
  register_images_cells warp_image warp_image_cells warp_image_points

# figures COLUMN FORMAT: of all rows, with slashes between: 0.93 / 1.23.
figures() {
  tail -n +2 "$scratch/$name/cost.csv" | awk -F, -v column="$1" -v format="$2" \
    '{ printf "%s" format, (NR > 1 ? " / " : ""), $column }'
}

# Measures the function of the current row.
plot() {
  local repetitions=2
  if ((few)); then
    amounts=$(cut -d, -f1,2 <<<"$amounts") repetitions=1
  fi
  # shellcheck disable=SC2016 # $scratch is for the inner shell
  tools/cost/cost --values "$amounts" --unit "$unit" --title "$title" \
    --repetitions "$repetitions" --output "$scratch/$name" -- /bin/bash -c \
    "$name"' {} 2>"$scratch/log" || { cat "$scratch/log" >&2; exit 1; }' \
    >"$scratch/progress" &&
    mv "$scratch/$name/cost.svg" "$folder/$name.svg" &&
    echo "| $title | $(figures 1 %s) $unit | $(figures 2 %.2f) s | $(figures 3 %.2f) s | $(figures 4 %.0f) MB |"
}

mkdir -p "$folder" || exit 1
{
  warp_image_cells 4 &&
    tools/make_puppets --output "$scratch/clips" --train 16 --test 1 --frames 8
} >"$scratch/log" 2>&1 || {
  cat "$scratch/log" >&2
  exit 1
}
while IFS='|' read -r name amounts unit title; do
  if ((${#chosen[@]} == 0)) || [[ " ${chosen[*]} " == *" $name "* ]]; then
    plot || exit 1
  fi
done <<<"$table"
