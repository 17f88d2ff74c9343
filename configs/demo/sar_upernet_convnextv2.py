# Tiny version of configs/stage2/upernet_convnextv2-b_1024.py.
_base_ = [
    "../_base_/models/upernet_convnextv2.py",
    "../_base_/datasets/sar_demo.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/demo.py",
]
model = dict(
    backbone=dict(
        model_name="convnextv2_atto",
        architecture=dict(dims=(24, 48, 96, 192), depths=(1, 1, 2, 1)),
        drop_path_rate=0.0,
    ),
    decode_head=dict(in_channels=[24, 48, 96, 192], channels=32, dropout_ratio=0.0),
    auxiliary_head=dict(in_channels=96, channels=32, dropout_ratio=0.0),
)
