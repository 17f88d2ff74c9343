# A SAR model that starts from ImageNet weights, which need fewer steps than random ones.
_base_ = [
    "../_base_/models/segformer_efficientnet_lite0.py",
    "../_base_/datasets/sar_demo.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/demo_pretrained.py",
]
crop_size = 192  # as many pixels as 900 crops of 128, and more around each
iterations = 400
model = dict(decode_head=dict(channels=96, dropout_ratio=0.0))
