#!/usr/bin/env bash
# Averages the SAR models, writes and checks the submission, scores what has labels, writes the report.
# Reads:  DFC_ROOT/test/sar_images, RUN_DIR/scores/, labels under TRUTH_ROOT where there are any
# Writes: RUN_DIR/submission/, RUN_DIR/submission.zip, RUN_DIR/metrics.json, RUN_DIR/report.html
# Usage:  bash tools/50_make_submission.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

# shellcheck disable=SC2046,SC2086
python -m tools.make_submission --teachers $(stems $TEACHERS) $(each member $ENSEMBLE) \
    --others $(published $PUBLISHED_MODELS) --average "$AVERAGE" \
    --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" --run-dir "$RUN_DIR" "${SETTINGS[@]}"
