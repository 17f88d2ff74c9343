# teacher_segformer_efficientnet_lite0.py with pixel contrast and Gaussian prototypes aligned in both directions.
_base_ = [
    "../_base_/models/segformer_efficientnet_lite0.py",
    "../_base_/uda/dacs_demo_prototypes.py",
    "../_base_/schedules/demo_pretrained.py",
]
iterations = 400
model = dict(decode_head=dict(channels=96, dropout_ratio=0.0))
