# A teacher that starts from ImageNet weights, which need fewer and smaller steps than random ones.
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
