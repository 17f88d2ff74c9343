# UPerNet instead of SegFormer's head.
_base_ = [
    "../_base_/models/upernet_efficientnet_lite0.py",
    "../_base_/uda/dacs_demo.py",
    "../_base_/schedules/demo_pretrained.py",
]
iterations = 400
model = dict(
    decode_head=dict(channels=64, dropout_ratio=0.0),
    auxiliary_head=dict(channels=32, dropout_ratio=0.0),
)
