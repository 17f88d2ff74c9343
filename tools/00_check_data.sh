#!/usr/bin/env bash
# Checks every file of both data sets: pairs, sizes, bands, label values; prints what is in them.
# Reads:  OEM_ROOT, DFC_ROOT
# Writes: RUN_DIR/data_check/
# Usage:  bash tools/00_check_data.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh"

python -m tools.check_data --oem-root "$OEM_ROOT" --dfc-root "$DFC_ROOT" --run-dir "$RUN_DIR" "${CLASS_ARGUMENTS[@]}"
