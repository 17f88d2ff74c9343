_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/sar.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/adamw_poly.py",
]
pretrained = "mit_b5"
crop_size = 960
iterations = 160000
model = dict(backbone=dict(num_layers=(3, 6, 40, 3)))
