#!/usr/bin/env bash
# Trains one model on all GPUs of several machines under Slurm, one process a
# GPU. Change the numbers, then:
#
#   sbatch slurm.sh --config vox-256 --set data.folder=/data/vox --output /runs/vox
#
# The output folder is on a file system of the machine of the first process; the
# data are on all machines, or, with --set data.sharded=true, each machine's
# folder has clips of its own. Two minutes before the time is over, Slurm sends
# SIGTERM: the run is saved, and the same command goes on with it.
#
# Where a process is lost, the others end by themselves (within
# training.peer_timeout_seconds), and the same command goes on from the newest
# checkpoint. On CPUs rank 0 saves before, in which srun would kill it with
# --kill-on-bad-exit=1. At the end that process evaluates alone; where the site
# sets a WaitTime, srun would kill it without --wait=0.
#SBATCH --job-name=cpab
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
set -euo pipefail

export CPAB_TRAIN="${CPAB_TRAIN:-/opt/cpab/bin/cpab-train}"
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
MASTER_ADDR=${hosts%%$'\n'*}
MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
export MASTER_ADDR MASTER_PORT
# Where machines have several networks, Gloo and NCCL are told which to take:
#   export GLOO_SOCKET_IFNAME=eth0 NCCL_SOCKET_IFNAME=eth0

# Since Slurm 22.05 srun does not take sbatch's --cpus-per-task, and would bind
# each task to one.
# shellcheck disable=SC2016 -- expanded in each task
srun --kill-on-bad-exit=0 --wait=0 --cpus-per-task="$SLURM_CPUS_PER_TASK" bash -c '
  export RANK="$SLURM_PROCID" WORLD_SIZE="$SLURM_NTASKS"
  export LOCAL_RANK="$SLURM_LOCALID" LOCAL_WORLD_SIZE="$SLURM_NTASKS_PER_NODE"
  exec "$CPAB_TRAIN" "$@"' bash "$@"
