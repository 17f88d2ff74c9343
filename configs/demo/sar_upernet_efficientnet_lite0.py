# UPerNet instead of SegFormer's head.
_base_ = [
    "../_base_/models/upernet_efficientnet_lite0.py",
    "../_base_/datasets/sar_demo.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/demo_pretrained.py",
]
model = dict(
    decode_head=dict(channels=64, dropout_ratio=0.0),
    auxiliary_head=dict(channels=32, dropout_ratio=0.0),
)
