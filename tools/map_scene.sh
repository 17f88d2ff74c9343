#!/usr/bin/env bash
# Maps SAR scenes of any size; killed, the same command goes on. GPUS and LAUNCHER as in the numbered stages.
# Reads:  a GeoTIFF with one band, model files (RUN_DIR/sar_models/<name>/model.pth, or model.onnx)
# Writes: a cloud-optimised GeoTIFF with class labels, and on request one with their confidence
# Usage:  bash tools/map_scene.sh --scene SCENE.tif --out MAP.tif --models MODEL.pth... [--confidence SURE.tif]
#         [--flips none horizontal vertical both] [--stride 0.5] [--dtype bf16] [--engine openvino]
#         Many: --scenes FOLDER|LIST.txt|SCENE.tif... --out FOLDER [--confidence FOLDER] [--share 1/4]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
source "$REPO_ROOT/tools/profile.sh" "$REPO_ROOT/configs/profiles/demo.sh" # for `run` alone

run tools.map_scene "$@"
