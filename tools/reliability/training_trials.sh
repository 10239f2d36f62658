#!/bin/bash
# Training runs that are stopped, and that several processes share.
#
#   tools/bazelw run //tools/reliability:training_trials -- [FLAG...]
#
# Each trial trains pipelines/training/testdata/kill_trials.textproto, in which
# all is on that has a state or draws random numbers, and compares the tensors
# of the last checkpoint and losses.csv with those of a run left alone.
#
#   --steps N    length of the runs that stop (60): one stops after each step
#                and goes on, and must end with the same bytes
#   --signals N  signals, SIGTERM, SIGINT, SIGUSR1 and SIGHUP, at random instants,
#                of every other session after a step of it (200): the run saves
#                the steps that it has taken and ends, goes on by the same
#                command, and must end with the same bytes
#   --avd N      signals, these and SIGKILL, while an AVD network is trained for a
#                checkpoint (20): the checkpoint stays as it was, and the same
#                command gives it the bytes of one left alone
#   --disks N    disks of a size at random that is less than the run takes, and,
#                each fourth, read-only ones (20): the run names what it cannot
#                write, and with more space goes on to the same bytes. Where the
#                system lets nobody mount a disk in memory, this is left out
#   --worlds 0   leave out the runs of 1, 2 and 4 processes with 1, 2 and 4
#                loader threads each, which take the same samples a step: equal
#                bytes for other threads, losses up to rounding for other
#                processes; and those that go on with 1, then 4 processes after
#                2, of 4 with one whose config differs, and one that hangs
#   --seed N     decides the signals, and their instants in the time of a run (1)
#   --folder F   where a folder for the runs is made, and removed at the end
#                (among temporary files)
#
# Prints a line of a table each; ends with 0 if all is as it should be, with 1 if
# not, with 2 for a wrong command line.
set -u

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

train=(pipelines/train --device=cpu --threads=1 --config
  "$PWD/pipelines/training/testdata/kill_trials.textproto")
export OMP_NUM_THREADS=1
train_avd=(pipelines/train --device=cpu --threads=1 --set avd.steps=100
  --set avd.batch_size=32 --set avd.identity_bottleneck=16 --set avd.pose_bottleneck=16 --avd)
steps=60 signals=200 avd=20 disks=20 worlds=1 seed=1 folder=
arguments=("$@")

while (($# > 0)); do
  case "$1" in
    --steps | --signals | --avd | --disks | --worlds | --seed)
      [[ "${2:-}" =~ ^[0-9]+$ ]] || {
        echo "training_trials: $1 is '${2:-}'; use a number" >&2
        exit 2
      }
      declare "${1#--}=$2"
      ;;
    --folder) folder=${2:-} ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift 2 || exit 2
done
((steps > 1 || signals > 0 || avd > 0 || disks > 0 || worlds > 0)) || {
  echo "training_trials: nothing is left to try; give --steps 2 or more, --signals, --avd, --disks or --worlds" >&2
  exit 2
}
# Mounts that nobody else sees, and that end with this process.
if ((disks > 0)) && [[ -z "${CPAB_OWN_MOUNTS:-}" ]]; then
  if unshare --map-root-user --mount mount -t tmpfs none "${TMPDIR:-/tmp}" 2>/dev/null; then
    CPAB_OWN_MOUNTS=1 exec unshare --map-root-user --mount "$0" "${arguments[@]}"
  fi
  echo "training_trials: this system lets nobody mount a disk in memory; --disks is left out" >&2
  disks=0
fi
folder=${folder:-${TMPDIR:-/tmp}}
# Where the user stands, as the trainer takes its --output.
[[ "$folder" == /* ]] || folder=${CPAB_USER_DIRECTORY:-${BUILD_WORKING_DIRECTORY:-$PWD}}/$folder
mkdir -p "$folder" || exit
folder=$(mktemp -d "$folder/training_trials-XXXXXX") || exit
disk=$folder/disk
trap 'umount "$disk" 2>/dev/null; rm -rf "$folder"' EXIT

trials=0 failures=0 all_failures=0
wrong() {
  echo "$*"
  failures=$((failures + 1))
}
report() {
  echo "| $1 | $trials | $failures |${2:+ $2 |}"
  all_failures=$((all_failures + failures))
  trials=0 failures=0
}

# run OUTPUT SETTING...: one session; its exit code.
run() {
  local output=$1 setting settings=()
  shift
  for setting in "$@"; do settings+=(--set "$setting"); done
  "${train[@]}" --output "$output" "${settings[@]}" >>"$output.log" 2>&1
}

# As run, by $1 processes; those of rank 1 and up with the settings $last, too.
# The exit codes, by rank.
run_together() {
  local world=$1 output=$2 rank port pids=() codes=() more
  shift 2
  port=$((20000 + RANDOM % 20000))
  for ((rank = 0; rank < world; ++rank)); do
    more=()
    ((rank < world - 1)) || [[ -z "${last:-}" ]] || more=("$last")
    WORLD_SIZE=$world RANK=$rank LOCAL_RANK=$rank MASTER_ADDR=127.0.0.1 \
      MASTER_PORT=$port run "$output" "$@" "${more[@]}" &
    pids+=($!)
  done
  for rank in "${!pids[@]}"; do
    wait "${pids[rank]}"
    codes+=($?)
  done
  echo "${codes[*]}"
}

newest() {
  find "$1/checkpoints" -name 'step-*.safetensors' 2>/dev/null | sort | tail -n 1
}

# The steps of the newest checkpoint, and those in losses.csv.
saved_steps() {
  local name
  name=$(newest "$1")
  name=${name##*/step-}
  echo "$((10#0${name%%.*}))"
}
steps_taken() { tail -n +2 "$1/losses.csv" 2>/dev/null | wc -l; }

# The tensors of a safetensors file: what is between the header, of a length in
# 8 bytes, and the checksum of 32.
tensors() {
  local header
  header=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  tail -c +$((header + 9)) "$1" | head -c -32 | sha256sum
}

# Whether two runs ended with the same bytes; else says what differs.
same() {
  local one two
  one=$(newest "$1") two=$(newest "$2")
  [[ -s "$1/losses.csv" && -s "$one" && "${one##*/}" == "${two##*/}" ]] || {
    echo "one of the runs has not ended"
    return 1
  }
  cmp "$1/losses.csv" "$2/losses.csv" || return
  [[ "$(tensors "$one")" == "$(tensors "$two")" ]] || {
    echo "other tensors"
    return 1
  }
}

# The largest relative difference of the total loss in the first $3 steps.
difference() {
  paste -d, <(cut -d, -f1,2 "$1/losses.csv") <(cut -d, -f1,2 "$2/losses.csv") |
    LC_ALL=C awk -F, -v last="$3" 'NR > 1 && NR <= last + 1 {
        if ($1 != $3) { print 1; bad = 1; exit }
        d = ($2 - $4) / $2; if (d < 0) d = -d; if (d > most) most = d
      } END { if (!bad) print most + 0 }'
}

at_most() { LC_ALL=C awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

every_step() {
  local long=$folder/steps k last_step output
  # Twelve steps are four epochs.
  local epochs="training.num_epochs=$(((steps + 2) / 3))"
  run "$long" "$epochs" "training.max_steps=$steps" || wrong "left alone: $(tail -n 1 "$long.log")"
  for ((k = 1; k < steps; ++k)); do
    output=$folder/stop-$k
    trials=$((trials + 1))
    for last_step in "$k" "$steps"; do
      run "$output" "$epochs" "training.max_steps=$last_step" ||
        wrong "stopped after step $k: $(tail -n 1 "$output.log")"
    done
    same "$long" "$output" || wrong "stopped after step $k"
    rm -rf "$output" "$output.log"
  done
  report "a run stops after each step"
}

# Sleeps up to $1 milliseconds.
nap() {
  local r=$RANDOM # not in the substitution, a process that would seed it anew
  sleep "$(LC_ALL=C awk -v max="$1" -v r="$r" 'BEGIN { print max * r / 32768000 }')"
}

at_signals() {
  local alone=$folder/alone output=$folder/signals signal code started most=0
  local all=(15 2 10 1)
  local length ended pid took sessions=0 before is_training trained=0
  started=$(date +%s%3N)
  run "$alone" || wrong "left alone: $(tail -n 1 "$alone.log")"
  set -m # else the shell would have its children ignore SIGINT
  length=$(($(date +%s%3N) - started))
  RANDOM=$seed
  while ((trials < signals)); do
    signal=${all[RANDOM % 4]}
    before=$(steps_taken "$output")
    "${train[@]}" --output "$output" >"$output.log" 2>&1 &
    pid=$!
    sessions=$((sessions + 1))
    # Loading and the evaluation at the end take most of the time.
    if ((sessions % 2)); then
      while (($(steps_taken "$output") <= before)) && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
      ((sessions == 1)) || nap "$((length / 10))"
    else
      nap "$length"
    fi
    is_training=$(($(steps_taken "$output") > before))
    if ! kill -"$signal" "$pid" 2>/dev/null; then
      # It had ended by itself.
      wait "$pid" || wrong "a session: $(tail -n 1 "$output.log")"
      same "$alone" "$output" || wrong "after $trials signals"
      rm -rf "$output"
      continue
    fi
    trials=$((trials + 1))
    ended=$(date +%s%3N)
    wait "$pid" 2>/dev/null
    code=$?
    took=$(($(date +%s%3N) - ended))
    ((took > most)) && most=$took
    # Before the program catches it, a signal ends it as any other.
    ((code == 128 + signal || code == 0)) ||
      wrong "signal $signal: exit code $code: $(tail -n 1 "$output.log")"
    ((!is_training || code == 0)) || grep -q 'stopped by' "$output.log" ||
      wrong "signal $signal: it does not say that it was stopped"
    ((!is_training || $(saved_steps "$output") == $(steps_taken "$output"))) ||
      wrong "signal $signal: $(saved_steps "$output") of $(steps_taken "$output") steps are saved"
    trained=$((trained + is_training))
    [[ -z "$(find "$output" -name '*.tmp' 2>/dev/null)" ]] ||
      wrong "signal $signal: half a file is left"
  done
  run "$output" || wrong "the last session: $(tail -n 1 "$output.log")"
  same "$alone" "$output" || wrong "after $trials signals"
  set +m
  ((trained > 0)) || wrong "no signal came while it trained"
  report "a signal at a random instant" "$trained while it trained; it ended within $most ms"
}

# It takes a minute, and nothing is saved before the end.
at_avd() {
  local origin=$folder/for_avd before=$folder/before.safetensors
  local alone=$folder/alone.safetensors output=$folder/avd.safetensors
  local all=(15 2 10 1 9) signal code started length pid during=0
  run "$origin" training.max_steps=2 || wrong "left alone: $(tail -n 1 "$origin.log")"
  mv "$(newest "$origin")" "$before"
  cp "$before" "$alone"
  started=$(date +%s%3N)
  "${train_avd[@]}" "$alone" >"$alone.log" 2>&1 || wrong "left alone: $(tail -n 1 "$alone.log")"
  length=$(($(date +%s%3N) - started))
  ! cmp -s "$before" "$alone" || wrong "nothing is saved in the checkpoint"
  set -m # else the shell would have its children ignore SIGINT
  RANDOM=$seed
  while ((trials < avd)); do
    cp "$before" "$output"
    signal=${all[RANDOM % 5]}
    "${train_avd[@]}" "$output" >"$output.log" 2>&1 &
    pid=$!
    nap "$length"
    ! kill -"$signal" "$pid" 2>/dev/null || trials=$((trials + 1))
    wait "$pid" 2>/dev/null
    code=$?
    if ((code == 0)); then
      cmp "$alone" "$output" || wrong "signal $signal: it ended with another network"
      continue
    fi
    during=$((during + 1))
    ((code == 128 + signal)) || wrong "signal $signal: exit code $code: $(tail -n 1 "$output.log")"
    # SIGKILL may come just after the save.
    cmp -s "$before" "$output" || { ((signal == 9)) && cmp "$alone" "$output"; } ||
      wrong "signal $signal: the checkpoint is another"
    "${train_avd[@]}" "$output" >"$output.log" 2>&1 || wrong "after signal $signal: $(tail -n 1 "$output.log")"
    cmp "$alone" "$output" || wrong "after signal $signal: another network"
  done
  set +m
  report "a signal while an AVD network is trained" "$during before its end"
}

at_disks() {
  local alone=$folder/spacious half=$folder/half output=$disk/run size bytes code full=0
  run "$alone" || wrong "left alone: $(tail -n 1 "$alone.log")"
  run "$half" training.max_steps=4 || wrong "half of it: $(tail -n 1 "$half.log")"
  size=$(du -s --block-size=1 "$alone" | cut -f 1)
  mkdir "$disk"
  RANDOM=$seed
  while ((trials < disks)); do
    trials=$((trials + 1))
    mount -t tmpfs -o size=1g none "$disk" || {
      wrong "no disk"
      break
    }
    if ((trials % 4 == 1)); then
      cp -r "$half" "$output"
      mount -o remount,ro "$disk"
      bytes=read-only
    else
      bytes=$((size / 1000 * (RANDOM % 1000)))
      mount -o "remount,size=$((bytes + 1))" "$disk"
    fi
    "${train[@]}" --output "$output" >"$disk.log" 2>&1
    code=$?
    ((code == 129)) || wrong "$bytes: exit code $code: $(tail -n 1 "$disk.log")"
    tail -n 1 "$disk.log" | grep -q "error: .*$output" ||
      wrong "$bytes: it does not say what it cannot write: $(tail -n 1 "$disk.log")"
    [[ $bytes == read-only || -z "$(newest "$output")" ]] || full=$((full + 1))
    [[ -z "$(find "$output" -name '*.tmp' 2>/dev/null)" ]] || wrong "$bytes: half a file is left"
    mount -o remount,rw,size=1g "$disk"
    "${train[@]}" --output "$output" >"$disk.log" 2>&1 ||
      wrong "$bytes: with more space: $(tail -n 1 "$disk.log")"
    same "$alone" "$output" || wrong "$bytes: it went on to other bytes"
    umount "$disk"
  done
  report "a disk is full, or read-only" "$full after a save"
}

# The steps of world w with batches of 4/w, one after the other.
of_world() { echo "training.accumulation=1 training.batch_size=$((4 / $1))"; }

other_worlds() {
  local world workers output first=$folder/world-1-1 codes far=0 most=0 d
  for world in 1 2 4; do
    for workers in 1 2 4; do
      output=$folder/world-$world-$workers
      trials=$((trials + 1))
      # shellcheck disable=SC2046 # two words
      codes=$(run_together "$world" "$output" $(of_world "$world") \
        "data.workers=$workers")
      [[ "$codes" =~ ^0( 0)*$ ]] || wrong "$world processes: ended with $codes"
      same "$folder/world-$world-1" "$output" || wrong "$workers loader threads"
      # Sums are rounded in another order, by some 1e-6 in each of the layers.
      # Adam's first steps make whole steps of that in weights whose gradient is
      # nearly 0, so losses part. Those of other pairs are several times as
      # high or low.
      d=$(difference "$first" "$output" 1)
      at_most "$d" 1e-4 || wrong "$world processes: the first loss is $d off"
      at_most "$d" "$most" || most=$d
      d=$(difference "$first" "$output" 100)
      at_most "$d" 0.3 || wrong "$world processes: a loss is $d off"
      at_most "$d" "$far" || far=$d
    done
  done
  report "1, 2, 4 processes of 1, 2, 4 threads" \
    "losses differ by $most in the first step, $far in any"
}

changing_worlds() {
  local output=$folder/changing session d
  for session in "2 4" "1 8" "4 12"; do
    trials=$((trials + 1))
    # shellcheck disable=SC2046,SC2086 # words
    set -- $session $(of_world ${session% *})
    [[ "$(run_together "$1" "$output" "$3" "$4" "training.max_steps=$2")" =~ ^0( 0)*$ ]] ||
      wrong "$1 processes: $(tail -n 1 "$output.log")"
  done
  d=$(difference "$folder/world-1-1" "$output" 12)
  at_most "$d" 0.3 || wrong "2, 1 and 4 processes: a loss is $d off"
  report "a run goes on with 1, then 4 processes after 2" \
    "losses differ by $d"
}

disagreeing() {
  local output=$folder/refused field codes
  for field in training.learning_rate=1e-3 training.seed=5 data.repeats=3 \
    model.num_transforms=3; do
    trials=$((trials + 1))
    codes=$(last=$field run_together 4 "$output" "training.batch_size=1")
    [[ "$codes" == "1 1 1 1" ]] || wrong "$field: ended with $codes"
    grep -q "process 3 of 4 has .*${field%=*}" "$output.log" ||
      wrong "$field: $(tail -n 1 "$output.log")"
    [[ -z "$(newest "$output")" ]] || wrong "$field: a checkpoint is there"
    rm -rf "$output" "$output.log"
  done
  report "one of 4 processes has another config"
}

# One process is stopped, as where a machine hangs: the others end within the
# timeout, by a code that says that trying again can help.
hanging() {
  local output=$folder/hangs rank port=$((20000 + RANDOM % 20000)) pids=() code
  local latest=$((SECONDS + 600))
  for ((rank = 0; rank < 4; ++rank)); do
    WORLD_SIZE=4 RANK=$rank LOCAL_RANK=$rank MASTER_ADDR=127.0.0.1 \
      MASTER_PORT=$port "${train[@]}" --output "$output" \
      --set training.batch_size=1 --set training.num_epochs=100000 \
      --set training.peer_timeout_seconds=10 >>"$output.log" 2>&1 &
    pids+=($!)
  done
  while [[ "$(wc -l 2>/dev/null <"$output/losses.csv")" -lt 3 ]] &&
    kill -0 "${pids[0]}" 2>/dev/null && ((SECONDS < latest)); do
    sleep 0.1
  done
  kill -STOP "${pids[2]}"
  for rank in 0 1 3; do
    trials=$((trials + 1))
    timeout 90 tail --pid="${pids[rank]}" -f /dev/null
    if kill -KILL "${pids[rank]}" 2>/dev/null; then
      wrong "process $rank waits for one that hangs"
    fi
    wait "${pids[rank]}"
    code=$?
    ((code == 129)) || wrong "process $rank: exit code $code"
  done
  kill -KILL "${pids[2]}"
  wait "${pids[2]}" 2>/dev/null
  report "one of 4 processes hangs"
}

((steps < 2)) || every_step
((signals < 1)) || at_signals
((avd < 1)) || at_avd
((disks < 1)) || at_disks
if ((worlds > 0)); then
  other_worlds
  changing_worlds
  disagreeing
  hanging
fi
exit $((all_failures > 0))
