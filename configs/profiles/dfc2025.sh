# The contest: IEEE GRSS DFC2025 Track 1 with the models of Liu et al. 2025. Set OEM_ROOT and DFC_ROOT, and GPUS.
: "${RUN_DIR:=$REPO_ROOT/runs/dfc2025}"
: "${DATA_SETS:=openearthmap dfc2025}"
: "${SOURCE_SPLITS:=train val}"
: "${TEACHERS:=configs/stage1/segformer_mit-b3_768.py configs/stage1/segformer_mit-b5_1024.py configs/stage1/upernet_swinv2-b_1024.py configs/stage1/upernet_convnext-b_1024.py}"
: "${SAR_MODELS:=configs/stage2/segformer_mit-b5_960.py configs/stage2/upernet_swinv2-b_768.py configs/stage2/upernet_convnextv2-b_1024.py}"
: "${SCALES:=0.5 0.75 1 1.25 1.5 1.75}"
: "${FLIPS:=none horizontal vertical both}"
