#!/usr/bin/env bash
# Measures what the first GPU of this machine does with both stages, in at most 8 minutes; see docs/gpu.md.
# Writes: nothing; the last line it prints is a JSON object
# Usage:  bash tools/benchmarks/gpu.sh [--minutes 8] [--batch 2] [--stage1 CONFIG] [--stage2 CONFIG] [--stub]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"

cd "$REPO_ROOT"
python -m tools.benchmarks.gpu "$@"
