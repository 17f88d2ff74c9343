# A second teacher of another make: UPerNet on the deeper of two EfficientNets whose ImageNet weights packages bring.
_base_ = "teacher_upernet_efficientnet_lite0.py"
pretrained = "efficientnet_lite1"
model = dict(
    backbone=dict(model_name="tf_efficientnet_lite1"),
    decode_head=dict(channels=32),  # half the arithmetic of the head, which costs as much as the backbone
)
