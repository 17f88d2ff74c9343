# LoveDA, from rural to urban: stages 10 and 20. Set OEM_ROOT and DFC_ROOT, both to its folder. The other way:
# SOURCE_DATA=loveda-urban TARGET_DATA=loveda-rural
: "${CLASSES:=loveda}"
: "${SOURCE_DATA:=loveda-rural}"
: "${TARGET_DATA:=loveda-urban}"
: "${RUN_DIR:=$REPO_ROOT/runs/${SOURCE_DATA}_to_${TARGET_DATA}}"
: "${TEACHERS:=configs/stage1/segformer_mit-b3_512_loveda_prototypes.py}"
: "${SAR_MODELS:=configs/stage2/segformer_mit-b3_768.py}" # every profile has some; LoveDA has no SAR images for them
