_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs.py",
]
pretrained = "mit_b5"
crop_size = 1024
iterations = 80000
model = dict(backbone=dict(num_layers=(3, 6, 40, 3)))
train_dataloader = dict(batch_size=4)  # memory
