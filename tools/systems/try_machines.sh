#!/usr/bin/env bash
# Trains by torchrun on several machines, which are network namespaces of this
# one, and compares with one process that sees the same batches.
#
#   tools/systems/try_machines.sh [--machines 2] [--processes 1] [--rendezvous static]
#
#   --machines     2 to 9: each has an address, loopback device, host name and
#                  torchrun of its own
#   --processes    1 to 9 of each machine
#   --rendezvous   static, or c10d, by which torchrun's agents elect the first
#
# torchrun is the one of LIBTORCH=pip:VERSION, or of Debian's python3-torch.
# Root is needed (ip netns). The communication is Gloo's. Nothing of this
# machine's network is touched: the wire between the machines is a bridge in a
# namespace of its own.
set -euo pipefail

fail() {
  echo >&2 "try_machines: $1"
  exit "${2:-1}"
}

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

parse() {
  machines=2 processes=1 rendezvous=static
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --machines)
        [[ "${2:-}" =~ ^[2-9]$ ]] || fail "--machines is '${2:-}'; use a number from 2 to 9" 2
        machines="$2"
        shift
        ;;
      --processes)
        [[ "${2:-}" =~ ^[1-9]$ ]] || fail "--processes is '${2:-}'; use a number from 1 to 9" 2
        processes="$2"
        shift
        ;;
      --rendezvous)
        [[ "${2:-}" =~ ^(static|c10d)$ ]] || fail "--rendezvous is '${2:-}'; use static or c10d" 2
        rendezvous="$2"
        shift
        ;;
      --help | -h) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

# Sets `python_path`, where the torch of torchrun lies.
find_torchrun() {
  python_path=''
  if [[ "${LIBTORCH:-}" == pip:* ]]; then
    python_path="${XDG_CACHE_HOME:-$HOME/.cache}/cpab_animation/libtorch/${LIBTORCH#pip:}"
  elif [[ -n "${LIBTORCH:-}" ]]; then
    python_path=$(dirname "$LIBTORCH")
  fi
  PYTHONPATH="$python_path" /usr/bin/python3 -c 'import torch.distributed.run' 2>"$folder/python.log" ||
    fail "no torchrun: $(tail -1 "$folder/python.log"). Run: apt-get install python3-torch; or set LIBTORCH=pip:2.11.0"
}

name_of() { echo "cpab$$-$1"; }
address_of() { echo "198.18.0.$(($1 + 1))"; }

make_machines() {
  local i
  ip netns add "$(name_of wire)"
  ip -n "$(name_of wire)" link add wire type bridge
  ip -n "$(name_of wire)" link set wire up
  for ((i = 0; i < machines; ++i)); do
    ip netns add "$(name_of "$i")"
    ip link add eth0 netns "$(name_of "$i")" type veth peer name "port$i" netns "$(name_of wire)"
    ip -n "$(name_of wire)" link set "port$i" master wire up
    ip -n "$(name_of "$i")" address add "$(address_of "$i")/24" dev eth0
    ip -n "$(name_of "$i")" link set eth0 up
    ip -n "$(name_of "$i")" link set lo up
    echo "$(address_of "$i") machine$i" >>"$folder/hosts"
  done
  echo '127.0.0.1 localhost' >>"$folder/hosts"
}

remove_machines() {
  local name
  # What a machine still runs would keep its namespace.
  for name in $(ip netns list | sed -n "s/^\(cpab$$-[a-z0-9]*\).*/\1/p"); do
    ip netns pids "$name" | xargs -r kill 2>/dev/null || true
    ip netns delete "$name"
  done
  rm -rf "$folder"
}

# on MACHINE COMMAND...: with its network, host name and /etc/hosts.
on() {
  local i="$1"
  shift
  ip netns exec "$(name_of "$i")" unshare --uts bash -c '
    hostname "machine$1" && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"' \
    bash "$i" "$folder/hosts" "$@"
}

# train OUTPUT FIELD=VALUE...: the arguments of the program.
train() {
  local output="$1" field
  shift
  command=("$PWD/bazel-bin/pipelines/train" --config pipelines/training/testdata/kill_trials.textproto
    --device cpu --threads 1 --output "$output")
  for field in data.repeats=16 training.accumulation=1 training.max_steps=4 "$@"; do
    command+=(--set "$field")
  done
}

# What torchrun is told on machine `i`.
torchrun_options() {
  # Python 3.11 finds no meaning for the defaults of where the output of
  # processes goes in the torchrun of LibTorch 1.13.
  options=(--nnodes "$machines" --nproc_per_node "$processes" --no_python
    --log_dir "$folder/log$1" --redirects 1 --tee 2)
  if [[ "$rendezvous" == static ]]; then
    options+=(--node_rank "$1" --master_addr "$(address_of 0)" --master_port 29500)
  else
    options+=(--rdzv_backend c10d --rdzv_id try_machines --rdzv_endpoint "$(address_of 0):29500")
  fi
}

train_on_machines() {
  local i failed=0 agents=()
  train "$folder/many" training.batch_size=2
  for ((i = 0; i < machines; ++i)); do
    torchrun_options "$i"
    on "$i" env PYTHONPATH="$python_path" GLOO_SOCKET_IFNAME=eth0 OMP_NUM_THREADS=1 \
      XDG_CACHE_HOME="$folder/cache$i" \
      /usr/bin/python3 -m torch.distributed.run "${options[@]}" "${command[@]}" \
      >"$folder/machine$i.log" 2>&1 &
    agents+=($!)
  done
  for i in "${!agents[@]}"; do
    wait "${agents[$i]}" || { failed=1; echo "machine $i:"; tail -20 "$folder/machine$i.log"; }
  done
  [[ $failed == 0 ]] || fail "a machine failed"
}

# column FILE: the total losses of the steps.
totals() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == "total") c = i; next } { print $c }' "$1/losses.csv"
}

parse "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $EUID -eq 0 ]] || fail "root is needed to make network namespaces. Run: sudo --preserve-env=LIBTORCH tools/systems/try_machines.sh"
command -v ip >/dev/null || fail "the program ip is not installed. Run: apt-get install iproute2"
folder=$(mktemp -d "${TMPDIR:-/tmp}/try_machines.XXXXXX")
trap remove_machines EXIT
tools/bazelw build //pipelines:train
find_torchrun
make_machines
start=$SECONDS
train_on_machines
echo "$((machines * processes)) processes on $machines machines: $((SECONDS - start)) s"
train "$folder/one" "training.batch_size=$((2 * machines * processes))"
XDG_CACHE_HOME="$folder/cache0" OMP_NUM_THREADS=1 "${command[@]}" >"$folder/one.log" 2>&1 ||
  { cat "$folder/one.log"; fail "the one process failed"; }
paste <(totals "$folder/many") <(totals "$folder/one") | tee "$folder/totals"
# Seen: 5e-6 apart by two processes, 3e-7 by four; sums of thousands of float32.
# Later steps start from weights that Adam has moved apart, since it turns the
# sign of rounding into whole steps.
LC_ALL=C awk 'NF != 2 { exit 1 } NR == 1 { d = $1 / $2 - 1; if (d < -1e-5 || d > 1e-5) exit 1 }
  END { if (NR != 4) exit 1 }' "$folder/totals" || fail "the losses differ from those of one process"
echo "the first step's loss is that of one process with all pairs"
