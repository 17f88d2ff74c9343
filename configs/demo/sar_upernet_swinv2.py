# Tiny version of configs/stage2/upernet_swinv2-b_768.py.
_base_ = [
    "../_base_/models/upernet_swinv2.py",
    "../_base_/datasets/sar_demo.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/demo.py",
]
model = dict(
    backbone=dict(
        model_name="swinv2_tiny_window8_256",
        architecture=dict(embed_dim=24, depths=(1, 1, 2, 1), num_heads=(1, 2, 4, 8)),
        img_size=128,
        drop_path_rate=0.0,
    ),
    decode_head=dict(in_channels=[24, 48, 96, 192], channels=32, dropout_ratio=0.0),
    auxiliary_head=dict(in_channels=96, channels=32, dropout_ratio=0.0),
)
