#!/bin/sh
# A sweep as a Slurm job array, a task for each shard:
#
#   sbatch --array=1-16 docs/cluster/slurm.sh FOLDER checkout.toml --vary strategy.batch=1..40
#   rollcast merge FOLDER/part*.json -o all.csv        (once all tasks are done)
#
# FOLDER is seen by all nodes. A task that was killed is submitted again with the same line and
# --array=NUMBER, and SHARDS set to the number of all: it goes on from its checkpoint.
#SBATCH --job-name=rollcast
#SBATCH --ntasks=1
set -eu

folder="$1"
shift
shard="$SLURM_ARRAY_TASK_ID"
of="${SHARDS:-$SLURM_ARRAY_TASK_COUNT}"

exec "${ROLLCAST:-rollcast}" sweep "$@" --quiet --threads "${SLURM_CPUS_ON_NODE:-1}" \
  --shard "$shard/$of" --resume "$folder/shard$shard.sweep" -o "$folder/part$shard.json"
