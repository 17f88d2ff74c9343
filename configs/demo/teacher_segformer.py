# Tiny version of configs/stage1/segformer_mit-b3_768.py.
_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/uda/dacs.py",
    "../_base_/schedules/demo.py",
]
model = dict(
    backbone=dict(embed_dims=16, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[16, 32, 80, 128], channels=64, dropout_ratio=0.0),
)
self_training = dict(ema_limit=0.98)  # few iterations: the teacher must forget its random weights sooner
