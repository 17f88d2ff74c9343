#!/usr/bin/env bash
# Hands scenes to Slurm as an array of TASKS tasks, each of which maps its share of them with SLURM_OPTIONS. The same
# command again goes on: maps that are there are left alone, scenes that failed are tried again.
# Reads, writes: as tools/map_scene.sh; logs are where sbatch puts them (slurm-<job>_<task>.out here)
# Usage:  bash tools/slurm/map_scenes.sh TASKS --scenes FOLDER|LIST.txt --models MODEL.pth... --out FOLDER [...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"

tasks=${1:-}
[[ $tasks =~ ^[1-9][0-9]*$ ]] || {
    echo "error: TASKS: expected a number of tasks of at least 1 as the first word, found '$tasks'; see the head of $0" >&2
    exit 2
}
shift
command -v sbatch >/dev/null || {
    echo "error: expected sbatch in PATH, found none; run it on a Slurm login node, or use tools/map_scene.sh" >&2
    exit 2
}
settings=$(python -m tools.profile map_scene.sh "$REPO_ROOT/configs/profiles/demo.sh")
mapfile -t options < <(eval "$settings"; printf '%s\n' "${SLURM_OPTIONS[@]}")
command="$REPO_ROOT/tools/map_scene.sh"
GPUS=1 LAUNCHER=torchrun sbatch --job-name=map_scenes --array="1-$tasks" --ntasks=1 "${options[@]}" \
    --wrap "bash ${command@Q} ${*@Q} --share \$SLURM_ARRAY_TASK_ID/$tasks"
