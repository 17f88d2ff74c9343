# Tiny version of configs/stage1/segformer_mit-b3_768.py.
_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/uda/dacs.py",
    "../_base_/schedules/demo.py",
]
iterations = 1400
model = dict(
    backbone=dict(embed_dims=32, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[32, 64, 160, 256], channels=96, dropout_ratio=0.0),
)
# Few iterations from random weights: the teacher must forget them sooner and is never as sure as a large one.
self_training = dict(ema_limit=0.99, confidence=0.9)
train_dataloader = dict(
    dataset=dict(
        source=dict(scale=(0.75, 1.33)),
        target=dict(scale=(0.75, 1.33)),
        resolution_alignment=dict(probability=0.5, ratio=(0.35, 0.6)),  # the target is about half as fine
    )
)
