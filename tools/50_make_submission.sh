#!/usr/bin/env bash
# Averages the SAR models, writes and checks the submission, scores what has labels, writes the report.
# Reads:  DFC_ROOT/test/sar_images, RUN_DIR/scores/, labels under TRUTH_ROOT where there are any
# Writes: RUN_DIR/submission/, RUN_DIR/submission.zip, RUN_DIR/metrics.json, RUN_DIR/report.html; with QUICK_LOOKS=1
#         RUN_DIR/quick_looks/
# Usage:  bash tools/50_make_submission.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

options=(${ENSEMBLE_WEIGHTS:+--weights "$ENSEMBLE_WEIGHTS"} ${AVERAGE:+--average "$AVERAGE"} ${CHOSEN_LABELS:+--labels "$CHOSEN_LABELS"})
[ "$REGISTER" = none ] || options+=(--unregistered "${UNREGISTERED_LABELS:-$RUN_DIR/pseudo_labels}")
[ -n "$ENSEMBLE_WEIGHTS" ] || options+=("${MEMBER_ARGUMENTS[@]}")
[ "$QUICK_LOOKS" = 0 ] || options+=(--quick-looks)
python -m tools.make_submission --teachers "${TEACHER_NAMES[@]}" --others "${PUBLISHED_NAMES[@]}" "${options[@]}" \
    --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" --run-dir "$RUN_DIR" "${CLASS_ARGUMENTS[@]}" "${SETTINGS[@]}"
