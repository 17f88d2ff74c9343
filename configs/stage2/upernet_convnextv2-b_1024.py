_base_ = [
    "../_base_/models/upernet_convnextv2.py",
    "../_base_/datasets/sar.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/adamw_poly.py",
]
pretrained = "convnextv2_base.fcmae_ft_in22k_in1k_384"
crop_size = 1024
iterations = 160000
