#!/usr/bin/env bash
# Trains the optical teachers: labels of OpenEarthMap, adapted to the optical images of OpenEarthMap-SAR; or of the
# domains of another data set that SOURCE_DATA and TARGET_DATA name.
# Reads:  OEM_ROOT, DFC_ROOT/train/rgb_images, PRETRAINED_DIR unless PRETRAINED=0
# Writes: RUN_DIR/teachers/<name>/model.pth
# Usage:  bash tools/10_train_teachers.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

run stage1_optical_da.train_teachers "${TEACHERS[@]}" \
    --oem-root "$OEM_ROOT" --dfc-root "$DFC_ROOT" --run-dir "$RUN_DIR" --source-splits "${SOURCE_SPLITS[@]}" \
    --source-data "$SOURCE_DATA" --target-data "$TARGET_DATA" \
    --seed "$SEED" --jobs "$JOBS" --tracker "$TRACKER" --data "${DATA_SETS[@]}" \
    "${CLASS_ARGUMENTS[@]}" "${PRETRAINED_ARGUMENTS[@]}" "${TEACHER_OPTION_ARGUMENTS[@]}"
