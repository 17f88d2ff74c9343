#!/usr/bin/env bash
# Sets everything up, makes the synthetic scenes and runs all stages on them.
# Writes: runs/demo/ with submission.zip, metrics.json and report.html
# Usage:  bash tools/run_demo.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

case "${1:-}" in -h | --help) exec bash "$REPO_ROOT/tools/run_all.sh" --help ;; esac
export RUN_DIR="${RUN_DIR:-$REPO_ROOT/runs/demo}"
python -m landcover.demo_scenes --out "$RUN_DIR/data" --seed "${SEED:-0}"
bash "$REPO_ROOT/tools/run_all.sh" "$REPO_ROOT/configs/profiles/demo.sh"
