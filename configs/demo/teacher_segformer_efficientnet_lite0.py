# A teacher that starts from ImageNet weights, which need fewer steps than random ones.
_base_ = [
    "../_base_/models/segformer_efficientnet_lite0.py",
    "../_base_/uda/dacs_demo.py",
    "../_base_/schedules/demo_pretrained.py",
]
iterations = 400
model = dict(decode_head=dict(channels=96, dropout_ratio=0.0))
