# Sourced by every numbered stage after tools/environment.sh: reads the profile, fills in what it leaves open, and
# defines `run`, which starts a Python command in one process or several.

PROFILE="${1:-$REPO_ROOT/configs/profiles/demo.sh}"
KNOWN="OEM_ROOT DFC_ROOT TRUTH_ROOT RUN_DIR SOURCE_SPLITS TEACHERS SAR_MODELS PUBLISHED_MODELS LABEL_SET AGREE_WITH LABELS HOLD_OUT HOLD_OUT_BY ENSEMBLE ENSEMBLE_WEIGHTS AVERAGE QUICK_LOOKS SCALES FLIPS STRIDE WEIGHTING PREDICTION_DTYPE SEED TEACHER_OPTIONS SAR_OPTIONS PRETRAINED PRETRAINED_DIR GPUS LAUNCHER SLURM_OPTIONS"

_profile_fail() {
    echo "error: $*" >&2
    exit 2
}

[ -f "$PROFILE" ] || _profile_fail "$PROFILE: expected a profile, found no such file; profiles are in configs/profiles/"
for _name in $(sed -nE 's/^[[:space:]]*(: *"\$\{)?([A-Za-z_][A-Za-z0-9_]*)(:?=).*/\2/p' "$PROFILE"); do
    case " $KNOWN " in
        *" $_name "*) ;;
        *) _profile_fail "$PROFILE: unknown variable $_name; known are $KNOWN" ;;
    esac
done
# shellcheck disable=SC1090
source "$PROFILE"
for _name in OEM_ROOT DFC_ROOT RUN_DIR TEACHERS SAR_MODELS; do
    [ -n "${!_name:-}" ] || _profile_fail "$PROFILE: expected a value for $_name, found none; set it in the profile or the environment"
done
: "${SOURCE_SPLITS:=train}" "${PUBLISHED_MODELS:=}" "${LABEL_SET:=average}" "${AGREE_WITH:=}" "${SCALES:=1}" "${FLIPS:=none}" "${STRIDE:=0.5}" "${WEIGHTING:=uniform}" "${PREDICTION_DTYPE:=fp32}" "${SEED:=0}"
: "${ENSEMBLE_WEIGHTS:=}" "${QUICK_LOOKS:=0}"
[ -n "$ENSEMBLE_WEIGHTS" ] || : "${AVERAGE:=logits}" # weights say what they were made for
: "${LABELS:=}" "${HOLD_OUT:=}" "${HOLD_OUT_BY:=auto}"
: "${PRETRAINED:=1}" "${PRETRAINED_DIR:=$REPO_ROOT/pretrained}" "${GPUS:=1}" "${LAUNCHER:=torchrun}" "${TRUTH_ROOT:=$DFC_ROOT}"
export LAUNCHER

# Configs are named from the repository's root, wherever the stage is started.
_absolute() {
    local path
    for path in "$@"; do
        case "$path" in /*) echo "$path" ;; *) echo "$REPO_ROOT/$path" ;; esac
    done
}

# Names of models: the configs' file names without .py; published: of those trained on the published labels.
stems() {
    local path
    for path in "$@"; do basename "$path" .py; done
}
published() {
    local name
    for name in $(stems "$@"); do echo "${name}_published"; done
}

# each KEY VALUES: the values one by one, each behind --KEY.
each() {
    local key=$1 value
    shift
    for value in "$@"; do printf -- '--%s\n%s\n' "$key" "$value"; done
}

# run MODULE ARGUMENTS: python -m MODULE, under torchrun for GPUS > 1, under srun for LAUNCHER=slurm
# (SLURM_OPTIONS: partition, nodes and how GPUs are asked for).
run() {
    case "$LAUNCHER" in
        slurm) srun --ntasks="$GPUS" --kill-on-bad-exit=1 ${SLURM_OPTIONS:---gpus-per-task=1} python -m "$@" ;;
        torchrun)
            if [ "$GPUS" -gt 1 ]; then
                OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" torchrun --standalone --nproc_per_node "$GPUS" -m "$@"
            else
                python -m "$@"
            fi
            ;;
        *) _profile_fail "LAUNCHER: expected torchrun or slurm, found $LAUNCHER" ;;
    esac
}

# shellcheck disable=SC2046,SC2086
{
    TEACHERS=$(_absolute $TEACHERS) SAR_MODELS=$(_absolute $SAR_MODELS) PUBLISHED_MODELS=$(_absolute $PUBLISHED_MODELS)
    : "${ENSEMBLE:=$(stems $SAR_MODELS)}"
}
PRETRAINED_ARGUMENTS=""
[ "$PRETRAINED" = 0 ] || PRETRAINED_ARGUMENTS="--pretrained-dir $PRETRAINED_DIR"
[ "$PRETRAINED" != hub ] || PRETRAINED_ARGUMENTS="$PRETRAINED_ARGUMENTS --fetch-pretrained"
# Arguments of both predictions.
VIEW_ARGUMENTS="--scales $SCALES --flips $FLIPS --stride $STRIDE --weighting $WEIGHTING --dtype $PREDICTION_DTYPE"
HOLD_OUT_ARGUMENTS=""
[ -z "$HOLD_OUT" ] || HOLD_OUT_ARGUMENTS="--hold-out $HOLD_OUT --hold-out-by $HOLD_OUT_BY"
# What the report shows of the profile.
SETTINGS=(--setting "PROFILE=$(basename "$PROFILE" .sh)")
for _name in SOURCE_SPLITS LABEL_SET AGREE_WITH LABELS HOLD_OUT SCALES FLIPS STRIDE WEIGHTING PREDICTION_DTYPE SEED ENSEMBLE_WEIGHTS AVERAGE PRETRAINED TEACHER_OPTIONS SAR_OPTIONS; do
    SETTINGS+=(--setting "$_name=${!_name:-}")
done
