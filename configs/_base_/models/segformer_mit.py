# SegFormer with MiT-B3 (Xie et al., NeurIPS 2021, https://arxiv.org/abs/2105.15203, tables 1 and 6).
# Other sizes: num_layers (3, 6, 40, 3) is B5, (2, 2, 2, 2) is B1; B0 also has embed_dims 32.
_base_ = "rgb_segmentor.py"

norm_cfg = dict(type="BN")  # SyncBN needs GPUs; it takes its place where several are used

model = dict(
    backbone=dict(
        type="FastMixVisionTransformer",
        in_channels=3,
        embed_dims=64,
        num_layers=(3, 4, 18, 3),
        num_heads=(1, 2, 5, 8),
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.1,
        with_cp=False,  # True recomputes the blocks in the backward pass: less memory for more time
    ),
    decode_head=dict(
        type="FastSegformerHead",
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        channels=768,  # the paper's C for B2 to B5; 256 for B0 and B1
        dropout_ratio=0.1,
        num_classes=None,  # filled in: as many as the class scheme has
        ignore_index=255,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[dict(type="SymmetricCrossEntropy", alpha=1.0, beta=0.0, loss_name="loss_ce")],
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)

del norm_cfg  # a name of this file, not a setting
