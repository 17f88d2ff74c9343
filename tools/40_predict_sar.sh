#!/usr/bin/env bash
# Writes class-score files of every SAR model for the test tiles (and the val tiles, if there are any).
# Reads:  DFC_ROOT/{val,test}/sar_images, RUN_DIR/sar_models/
# Writes: RUN_DIR/scores/{val,test}/<name>/
# Usage:  bash tools/40_predict_sar.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

run stage2_sar_seg.predict_sar "${SAR_NAMES[@]}" "${PUBLISHED_NAMES[@]}" \
    --dfc-root "$DFC_ROOT" --run-dir "$RUN_DIR" "${VIEW_ARGUMENTS[@]}"
