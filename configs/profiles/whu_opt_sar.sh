# WHU-OPT-SAR and its own labels, laid out by `python -m tools.lay_out_scenes --out RUN_DIR/data` (docs/data.md). Stages
# 30, 40 and 50; we have not run it.
: "${RUN_DIR:=$REPO_ROOT/runs/whu_opt_sar}"
: "${DFC_ROOT:=$RUN_DIR/data}"
: "${OEM_ROOT:=$DFC_ROOT}" # of stages 00 and 10, which have nothing to do here
: "${CLASSES:=whu_opt_sar}"
: "${MANUAL_LABELS:=$DFC_ROOT/train/labels}"
: "${LABELS:=none}" # no pseudo-labels
: "${TEACHERS:=configs/stage1/segformer_mit-b3_768.py}"
: "${SAR_MODELS:=configs/stage2/segformer_mit-b5_960.py configs/stage2/upernet_swinv2-b_768.py configs/stage2/upernet_convnextv2-b_1024.py}"
