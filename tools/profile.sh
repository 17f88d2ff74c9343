# Sourced by every numbered stage after tools/environment.sh: sets the variables of the profile, which
# landcover/profiles/ declares, and defines `run`, which starts a Python command in one process or several.
# Usage: source tools/profile.sh [PROFILE]; with --help it lists the variables and ends the stage.

_settings=$(python -m tools.profile "$(basename "$0")" "$@") || exit
eval "$_settings"

# run MODULE ARGUMENTS: python -m MODULE, under torchrun for GPUS > 1, under srun for LAUNCHER=slurm
# (SLURM_OPTIONS: partition, nodes and how GPUs are asked for). torchrun is started as a module: scripts of an
# environment name their interpreter by its path, which may have spaces or be too long.
run() {
    if [ "$LAUNCHER" = slurm ]; then
        command -v srun >/dev/null || {
            echo "error: LAUNCHER=slurm: expected srun in PATH, found none; run it on a Slurm login node, or leave LAUNCHER out" >&2
            exit 2
        }
        srun --ntasks="$GPUS" --kill-on-bad-exit=1 "${SLURM_OPTIONS[@]}" python -m "$@"
    elif [ "$GPUS" -gt 1 ]; then
        # mmengine would set the second one, with a warning from every process
        OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MKL_NUM_THREADS="${MKL_NUM_THREADS:-1}" \
            python -m torch.distributed.run --standalone --nproc_per_node "$GPUS" -m "$@"
    else
        python -m "$@"
    fi
}
