#!/usr/bin/env bash
# Trains the SAR models on the pseudo-label files, and PUBLISHED_MODELS on the published labels for comparison.
# Reads:  DFC_ROOT/train/sar_images, RUN_DIR/pseudo_labels/, PRETRAINED_DIR unless PRETRAINED=0
# Writes: RUN_DIR/sar_models/<name>/model.pth
# Usage:  bash tools/30_train_sar_models.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

# shellcheck disable=SC2046,SC2086
run stage2_sar_seg.train_sar_models $SAR_MODELS --published $PUBLISHED_MODELS \
    --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" --labels "$RUN_DIR/pseudo_labels" --run-dir "$RUN_DIR" --seed "$SEED" \
    $PRETRAINED_ARGUMENTS $(each option ${SAR_OPTIONS:-})
