#!/usr/bin/env bash
# Trains the SAR models on the label files of stage 22 where REGISTER names a method, of stage 21 where REASSIGN does,
# otherwise on those in LABELS (default: the pseudo-labels of stage 20), and PUBLISHED_MODELS on the published labels
# for comparison; MANUAL_LABELS take the place of labels on the tiles that LABELLED_TILES chooses. HOLD_OUT=0.1 scores
# on a tenth of the training tiles, apart from the others.
# Reads:  DFC_ROOT/train/sar_images, LABELS, MANUAL_LABELS, PRETRAINED_DIR unless PRETRAINED=0, RUN_DIR/teachers/ if
#         SAR_START=teachers
# Writes: RUN_DIR/sar_models/<name>/model.pth
# Usage:  bash tools/30_train_sar_models.sh [PROFILE [MODEL ...]]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

run stage2_sar_seg.train_sar_models "${SAR_MODELS[@]}" --published "${PUBLISHED_MODELS[@]}" --only "${@:2}" \
    --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" "${LABEL_ARGUMENTS[@]}" --run-dir "$RUN_DIR" \
    --seed "$SEED" --jobs "$JOBS" --tracker "$TRACKER" --data "${DATA_SETS[@]}" \
    "${CLASS_ARGUMENTS[@]}" "${HOLD_OUT_ARGUMENTS[@]}" "${MULTIMODAL_ARGUMENTS[@]}" "${PRETRAINED_ARGUMENTS[@]}" "${START_ARGUMENTS[@]}" "${SAR_OPTION_ARGUMENTS[@]}"
