# Tiny version of configs/stage2/segformer_mit-b3_768.py.
_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/sar_demo.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/demo.py",
]
crop_size = 192  # from random weights, pixels per step count more than steps
iterations = 1000
model = dict(
    backbone=dict(embed_dims=32, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[32, 64, 160, 256], channels=96, dropout_ratio=0.0),
)
