#!/usr/bin/env bash
# Packs a trained model for others: weights as safetensors, no pickle; card, config, scores, log and manifest.
# Reads:  the folder of a finished training (RUN_DIR/sar_models/<name>)
# Writes: one zip file, which prediction takes wherever it takes a model.pth; README.md in the folder
# Usage:  bash tools/share_model.sh MODEL_FOLDER [OUT.zip]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

python -m tools.share_model "$@"
