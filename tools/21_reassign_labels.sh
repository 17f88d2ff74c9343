#!/usr/bin/env bash
# Changes the label files by the method REASSIGN (none: they stay as they are). Prints what they are worth then.
# Reads:  LABELS (default: the pseudo-labels of stage 20), DFC_ROOT/train/, RUN_DIR/scores/teachers/, SAR_SCORES
# Writes: RUN_DIR/reassigned_labels/, on which stage 30 trains, and with soft=True in REASSIGN_OPTIONS
#         RUN_DIR/scores/reassigned/
# Usage:  bash tools/21_reassign_labels.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

if [ "$REASSIGN" = none ]; then
    echo "REASSIGN=none: the labels stay as they are"
    exit
fi
run stage1_optical_da.reassign_labels --method "$REASSIGN" --labels "${LABELS:-$RUN_DIR/pseudo_labels}" \
    "${REASSIGN_OPTION_ARGUMENTS[@]}" ${SAR_SCORES:+--sar-scores "$SAR_SCORES"} --teachers "${TEACHER_NAMES[@]}" \
    "${CLASS_ARGUMENTS[@]}" --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" --run-dir "$RUN_DIR" --seed "$SEED"
