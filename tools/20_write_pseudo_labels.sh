#!/usr/bin/env bash
# Writes the pseudo-label files: mean of all teachers and test-time views, best class, no threshold.
# Reads:  DFC_ROOT/train/rgb_images, RUN_DIR/teachers/
# Writes: RUN_DIR/scores/teachers/<name>/, RUN_DIR/pseudo_labels/
# Usage:  bash tools/20_write_pseudo_labels.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

# shellcheck disable=SC2046,SC2086
run stage1_optical_da.write_pseudo_labels $(stems $TEACHERS) \
    --dfc-root "$DFC_ROOT" --run-dir "$RUN_DIR" --scales $SCALES --flips $FLIPS --stride "$STRIDE"
