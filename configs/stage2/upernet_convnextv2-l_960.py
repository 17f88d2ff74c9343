_base_ = [
    "../_base_/models/upernet_convnextv2.py",
    "../_base_/datasets/sar.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/adamw_poly.py",
]
pretrained = "convnextv2_large.fcmae_ft_in22k_in1k_384"
crop_size = 960
iterations = 80000  # larger models overfit the noisy labels sooner
model = dict(
    backbone=dict(
        model_name="convnextv2_large",
        # On each of four GPUs 25.8 GiB otherwise. It costs time, but no accuracy: bf16 would change the arithmetic.
        with_cp=True,
    ),
    decode_head=dict(in_channels=[192, 384, 768, 1536]),
    auxiliary_head=dict(in_channels=768),
)
