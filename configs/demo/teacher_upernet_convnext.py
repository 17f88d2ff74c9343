# Tiny version of configs/stage1/upernet_convnext-b_1024.py: a second architecture beside teacher_segformer.py, at about
# its cost per step.
_base_ = [
    "../_base_/models/upernet_convnextv2.py",
    "../_base_/uda/dacs_demo.py",
    "../_base_/schedules/demo.py",
]
iterations = 1400
model = dict(
    backbone=dict(
        model_name="convnext_atto",
        architecture=dict(dims=(32, 64, 128, 256), depths=(1, 1, 2, 1)),
        drop_path_rate=0.0,
    ),
    decode_head=dict(in_channels=[32, 64, 128, 256], channels=32, dropout_ratio=0.0),
    auxiliary_head=dict(in_channels=128, channels=32, dropout_ratio=0.0),
)
