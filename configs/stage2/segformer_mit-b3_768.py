_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/sar.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/adamw_poly.py",
]
pretrained = "mit_b3"
crop_size = 768
iterations = 160000
