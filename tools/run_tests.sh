#!/usr/bin/env bash
# Sets everything up and runs the tests.
# Usage: bash tools/run_tests.sh [PYTEST ARGUMENTS]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

cd "$REPO_ROOT"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
python -m pytest "$@"
