# The embedded demo: synthetic scenes with known truth, tiny models, 2 CPU cores. Any variable can be set from outside.
: "${RUN_DIR:=$REPO_ROOT/runs/demo}"
if [ -z "${OEM_ROOT:-}${DFC_ROOT:-}" ]; then # made by tools/run_demo.sh
    OEM_ROOT="$RUN_DIR/data/OpenEarthMap"
    DFC_ROOT="$RUN_DIR/data/DFC2025Track1"
    : "${TRUTH_ROOT:=$RUN_DIR/data/truth}"
    : "${DATA_SETS:=demo}"
fi
: "${TEACHERS:=configs/demo/teacher_segformer_efficientnet_lite0.py configs/demo/teacher_upernet_efficientnet_lite1.py}"
: "${SAR_MODELS:=configs/demo/sar_segformer_efficientnet_lite0.py configs/demo/sar_upernet_efficientnet_lite1.py configs/demo/sar_upernet_efficientnet_lite0.py}"
: "${PUBLISHED_MODELS=configs/demo/sar_segformer_efficientnet_lite0.py}" # the same model on the published labels, for comparison
[ "${GPUS:-1}" != 1 ] || : "${JOBS:=2}" # a second thread makes one training 1.1 to 1.8 times as fast
: "${SCALES:=1 1.25}"
: "${FLIPS:=none horizontal vertical both}"
: "${STRIDE:=1}"
