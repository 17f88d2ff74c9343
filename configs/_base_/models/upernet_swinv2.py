# UPerNet with SwinV2-B, window 24 (Liu et al., CVPR 2022, https://arxiv.org/abs/2111.09883).
# The Large variant: its name, in_channels 192 to 1536.
_base_ = "upernet.py"
model = dict(
    backbone=dict(
        type="TimmFeatures",
        model_name="swinv2_base_window12to24_192to384",
        img_size=768,  # 24 windows of stride 32: every stage keeps the full window
        in_channels=3,
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.3,  # Swin-B's UPerNet, https://arxiv.org/abs/2103.14030
        output_norm=True,
        with_cp=False,  # True recomputes the blocks in the backward pass: less memory for more time
    ),
)
