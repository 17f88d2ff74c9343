_base_ = [
    "../_base_/models/upernet_swinv2.py",
    "../_base_/datasets/sar.py",
    "../_base_/losses/sce_lovasz.py",
    "../_base_/schedules/adamw_poly.py",
]
pretrained = "swinv2_large_window12to24_192to384.ms_in22k_ft_in1k"
crop_size = 768
iterations = 120000  # larger models overfit the noisy labels sooner
model = dict(
    backbone=dict(
        model_name="swinv2_large_window12to24_192to384",
        # On each of four GPUs 29.6 GiB otherwise. It costs time, but no accuracy: bf16 would change the arithmetic.
        with_cp=True,
    ),
    decode_head=dict(in_channels=[192, 384, 768, 1536]),
    auxiliary_head=dict(in_channels=768),
)
