#!/usr/bin/env bash
# Hands the numbered stages to Slurm: each is a job that begins when the one before has succeeded. Prints their numbers.
# Stages that GPUS and LAUNCHER are for get GPUS tasks with SLURM_OPTIONS, the others one task; stages 21 and 22 are left
# out where they have nothing to do. More for all jobs, such as accounts and times: sbatch's own SBATCH_ variables.
# Writes: RUN_DIR/slurm/<stage>_<job>.log, and what the stages write
# Usage:  bash tools/slurm/run_all.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"

settings=$(python -m tools.profile slurm/run_all.sh "$@")
case " $* " in *" -h "* | *" --help "*) eval "$settings" ;; esac
command -v sbatch >/dev/null || {
    echo "error: expected sbatch in PATH, found none; run it on a Slurm login node, or use tools/run_all.sh" >&2
    exit 2
}

# In shells of their own: set here, lists would no longer be in the environment of the jobs.
mapfile -t several < <(eval "$settings"; printf '%s\n' --ntasks="$GPUS" "${SLURM_OPTIONS[@]}")
off=$(eval "$settings"; [ "$REASSIGN" != none ] || echo 21; [ "$REGISTER" != none ] || echo 22)
logs=$(eval "$settings"; echo "$RUN_DIR/slurm")
mkdir -p "$logs"

after=()
for stage in "$REPO_ROOT"/tools/[0-9][0-9]_*.sh; do
    name=$(basename "$stage" .sh)
    case " ${off//$'\n'/ } " in *" ${name:0:2} "*) continue ;; esac
    case $name in 00_* | 50_*) tasks=(--ntasks=1) ;; *) tasks=("${several[@]}") ;; esac
    job=$(LAUNCHER=slurm sbatch --parsable --job-name="$name" --output="$logs/%x_%j.log" --kill-on-invalid-dep=yes \
        "${after[@]}" "${tasks[@]}" --wrap "bash ${stage@Q} ${*@Q}")
    job=${job%%;*} # the name of the cluster may follow
    echo "$name: job $job"
    after=(--dependency="afterok:$job")
done
