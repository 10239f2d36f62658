#!/bin/bash
# slurm.sh trains for real where stand-ins for Slurm's programs start its tasks;
# kubeflow.yaml is a job whose pods run an installed program by flags it has.
set -u
program=pipelines/train
. pipelines/app/program_testing.sh
export XDG_CACHE_HOME=$TEST_TMPDIR/cache OMP_NUM_THREADS=1

# Slurm reads options up to the first command; a misspelt one ends sbatch.
check_slurm_options() {
  awk '/^#SBATCH/ && command { print "after a command: " $0 }
    /^#SBATCH/ && !/^#SBATCH --(job-name|nodes|ntasks-per-node|gpus-per-node|cpus-per-task|time|signal)=[A-Za-z0-9:@]+$/ { print "no option: " $0 }
    /^[^#]/ { command = 1 }' tools/cluster/slurm.sh
}

# Stand-ins for Slurm's programs: two tasks on this machine.
make_slurm() {
  mkdir -p "$TEST_TMPDIR/slurm"
  cat >"$TEST_TMPDIR/slurm/scontrol" <<'STUB'
#!/bin/bash
# One line at a time, as scontrol prints a long list: a reader that stops at the
# first would end it by SIGPIPE.
[[ "$*" == "show hostnames node[1-2]" ]] && echo 127.0.0.1 && sleep 0.2 && echo node2
STUB
  cat >"$TEST_TMPDIR/slurm/srun" <<'STUB'
#!/bin/bash
[[ " $* " == *" --cpus-per-task=8 "* ]] || { echo "a task has one CPU: $*"; exit 1; }
[[ " $* " == *" --wait=0 "* ]] || { echo "the evaluation would be killed: $*"; exit 1; }
[[ " $* " == *" --kill-on-bad-exit=0 "* ]] || { echo "a save would be killed: $*"; exit 1; }
while [[ "$1" == --* ]]; do shift; done
for task in 0 1; do
  SLURM_PROCID=$task SLURM_LOCALID=$task SLURM_NTASKS=2 "$@" &
  tasks[task]=$!
done
wait "${tasks[0]}" && wait "${tasks[1]}"
STUB
  chmod +x "$TEST_TMPDIR"/slurm/*
}

# A job number whose port nobody listens at.
free_job() {
  local job=$((RANDOM + 1))
  while (: <"/dev/tcp/127.0.0.1/$((20000 + job % 20000))") 2>/dev/null; do
    job=$((RANDOM + 1))
  done
  echo "$job"
}

train_by_slurm() {
  local log="$TEST_TMPDIR/slurm.log" run="$TEST_TMPDIR/run"
  PATH="$TEST_TMPDIR/slurm:$PATH" CPAB_TRAIN="$PWD/$program" \
    SLURM_JOB_NODELIST='node[1-2]' SLURM_JOB_ID=$(free_job) \
    SLURM_NTASKS_PER_NODE=2 SLURM_CPUS_PER_TASK=8 bash tools/cluster/slurm.sh --device cpu \
    --config "$PWD/pipelines/training/testdata/kill_trials.textproto" \
    --set training.max_steps=1 --output "$run" >"$log" 2>&1 ||
    complain "slurm.sh: exit code $?: $(<"$log")"
  grep -q '2 processes' "$log" || complain "slurm.sh trained by: $(<"$log")"
  expect_files "$run/losses.csv" "$run/checkpoints/step-000000001.safetensors"
}

# Each value of a YAML file behind its path, as spec.list[0].key=value. Of YAML:
# maps and lists by indentation, scalars, comments of whole lines.
flatten() {
  awk '
    function path(i, text) {
      text = ""
      for (i = 1; i <= depth; ++i) text = text (name[i] ~ /^\[/ || i == 1 ? "" : ".") name[i]
      return text
    }
    function pop(indent) { while (depth > 0 && at[depth] >= indent) --depth }
    function push(indent, text) { at[++depth] = indent; name[depth] = text }
    /^ *(#|$)/ { next }
    /\t/ { print "a tab in line " NR; next }
    {
      match($0, /^ */); indent = RLENGTH; line = substr($0, indent + 1)
      pop(indent)
      if (line ~ /^- /) {
        push(indent, "[" count[path()]++ "]")
        indent += 2; line = substr(line, 3)
      }
      if (match(line, /^[A-Za-z0-9.\/]+:( |$)/)) {
        key = substr(line, 1, RLENGTH); sub(/: ?$/, "", key)
        line = substr(line, RLENGTH + 1)
        push(indent, key)
        if (line == "") next
      }
      gsub(/^"|"$/, "", line)
      print path() "=" line
    }' "$1"
}

check_pods() {
  local values pod replicas=0 arguments container
  values=$(flatten tools/cluster/kubeflow.yaml)
  for value in apiVersion=kubeflow.org/v1 kind=PyTorchJob spec.pytorchReplicaSpecs.Master.replicas=1; do
    grep -q -x -F "$value" <<<"$values" || complain "kubeflow.yaml has no $value: $values"
  done
  for pod in Master Worker; do
    container="spec.pytorchReplicaSpecs.$pod.template.spec.containers[0]"
    # The operator sets its variables in the container of this name only.
    grep -q -x -F "$container.name=pytorch" <<<"$values" || complain "$pod: no container pytorch"
    grep -q -x -F "$container.command=[\"/opt/cpab/bin/cpab-train\"]" <<<"$values" || complain "$pod: another command"
    grep -q -x -F "spec.pytorchReplicaSpecs.$pod.restartPolicy=ExitCode" <<<"$values" || complain "$pod: another policy"
    mapfile -t arguments < <(grep -F "$container.args[" <<<"$values" | cut -d= -f2-)
    [[ ${#arguments[@]} -ge 3 ]] || complain "$pod: arguments: ${arguments[*]}"
    succeed "folder: \"/data/vox\"" "${arguments[@]}" --print_config
  done
}

problems=$(check_slurm_options)
[[ -z "$problems" ]] || complain "slurm.sh: $problems"
make_slurm
train_by_slurm
check_pods
finish
