# UPerNet with EfficientNet-Lite0 (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite):
# 3.4 M parameters without its classifier, no attention, and ImageNet weights that an installed package brings.
_base_ = "upernet.py"
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),  # those of its ImageNet training
    backbone=dict(
        type="TimmFeatures",
        model_name="tf_efficientnet_lite0",  # the weights come from TensorFlow: its padding, its epsilon in norms
        in_channels=3,
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.0,
        channels_last=True,  # 1.4 times as fast on CPUs
        with_cp=False,  # True recomputes the blocks in the backward pass: less memory for more time
    ),
    decode_head=dict(in_channels=[24, 40, 112, 320]),
    auxiliary_head=dict(in_channels=112),
)
