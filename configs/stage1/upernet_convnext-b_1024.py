_base_ = [
    "../_base_/models/upernet_convnextv2.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs.py",
]
pretrained = "convnext_base.fb_in22k_ft_in1k_384"
crop_size = 1024
iterations = 80000
model = dict(backbone=dict(model_name="convnext_base"))
train_dataloader = dict(batch_size=4)  # memory
