#!/usr/bin/env bash
# Finds the offset between the optical and the SAR image of every training tile by the method REGISTER, and moves the
# label files onto the SAR images (none: they stay as they are). Prints how far, and what the labels are worth then.
# Reads:  label files of stage 21 where REASSIGN names a method, else LABELS (default: the pseudo-labels of stage 20);
#         DFC_ROOT/train/{rgb_images,sar_images}, labels under TRUTH_ROOT where there are any
# Writes: RUN_DIR/registered_labels/, on which stage 30 trains, with offsets.json and offsets.png
# Usage:  bash tools/22_register_labels.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

if [ "$REGISTER" = none ]; then
    echo "REGISTER=none: the labels stay where they are"
    exit
fi
run stage2_sar_seg.register_labels --method "$REGISTER" --labels "${UNREGISTERED_LABELS:-$RUN_DIR/pseudo_labels}" \
    "${REGISTER_OPTION_ARGUMENTS[@]}" "${CLASS_ARGUMENTS[@]}" \
    --dfc-root "$DFC_ROOT" --truth-root "$TRUTH_ROOT" --run-dir "$RUN_DIR"
