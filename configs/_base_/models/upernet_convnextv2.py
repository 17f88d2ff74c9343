# UPerNet with ConvNeXtV2-B (Woo et al., CVPR 2023, https://arxiv.org/abs/2301.00808).
# ConvNeXt-B has the same sizes: model_name="convnext_base".
_base_ = "upernet.py"
model = dict(
    backbone=dict(
        type="TimmFeatures",
        model_name="convnextv2_base",
        in_channels=3,
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.4,  # ConvNeXt-B's UPerNet, https://arxiv.org/abs/2201.03545
        output_norm=True,
        with_cp=False,  # True recomputes the blocks in the backward pass: less memory for more time
    ),
)
