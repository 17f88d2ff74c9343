# ISPRS, from Potsdam to Vaihingen, both infrared, red and green: stages 10 and 20. Set OEM_ROOT and DFC_ROOT to their
# folders. The other way: SOURCE_DATA=vaihingen-irrg TARGET_DATA=potsdam-irrg, and potsdam-rgb takes the RGB images.
: "${CLASSES:=isprs_six}"
: "${SOURCE_DATA:=potsdam-irrg}"
: "${TARGET_DATA:=vaihingen-irrg}"
: "${RUN_DIR:=$REPO_ROOT/runs/${SOURCE_DATA}_to_${TARGET_DATA}}"
: "${TEACHERS:=configs/stage1/segformer_mit-b3_512_isprs_prototypes.py}"
: "${SAR_MODELS:=configs/stage2/segformer_mit-b3_768.py}" # every profile has some; there are no SAR images for them
