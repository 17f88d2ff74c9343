#!/usr/bin/env bash
# Writes the pseudo-label files: mean of all teachers and test-time views, best class, no threshold. With
# LABEL_SET=agreement or AGREE_WITH, pixels on which teachers or label sets differ become 0. Prints what they are worth.
# Reads:  DFC_ROOT/train/rgb_images, RUN_DIR/teachers/, AGREE_WITH, labels under DFC_ROOT and TRUTH_ROOT
# Writes: RUN_DIR/scores/teachers/<name>/, RUN_DIR/pseudo_labels/
# Usage:  bash tools/20_write_pseudo_labels.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

run stage1_optical_da.write_pseudo_labels "${TEACHER_NAMES[@]}" \
    --dfc-root "$DFC_ROOT" --target-data "$TARGET_DATA" --truth-root "$TRUTH_ROOT" --run-dir "$RUN_DIR" \
    --label-set "$LABEL_SET" --agree-with "${AGREE_WITH[@]}" "${CLASS_ARGUMENTS[@]}" "${VIEW_ARGUMENTS[@]}"
