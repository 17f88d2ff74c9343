# The embedded demo: synthetic scenes with known truth, tiny models, 2 CPU cores. Any variable can be set from outside.
: "${RUN_DIR:=$REPO_ROOT/runs/demo}"
if [ -z "${OEM_ROOT:-}${DFC_ROOT:-}" ]; then # made by tools/run_demo.sh
    OEM_ROOT="$RUN_DIR/data/OpenEarthMap"
    DFC_ROOT="$RUN_DIR/data/DFC2025Track1"
    : "${TRUTH_ROOT:=$RUN_DIR/data/truth}"
fi
: "${TEACHERS:=configs/demo/teacher_segformer.py}"
: "${SAR_MODELS:=configs/demo/sar_segformer.py configs/demo/sar_upernet_swinv2.py configs/demo/sar_upernet_convnextv2.py}"
: "${PUBLISHED_MODELS=configs/demo/sar_segformer.py}" # the same model on the published labels, for comparison
: "${PRETRAINED:=0}"
: "${SCALES:=0.75 1 1.25}"
: "${FLIPS:=none horizontal vertical both}"
