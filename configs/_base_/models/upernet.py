# UPerNet (Xiao et al., ECCV 2018, https://arxiv.org/abs/1807.10221); the files beside add a backbone of base size.
_base_ = "rgb_segmentor.py"

norm_cfg = dict(type="BN")  # SyncBN needs GPUs; it takes its place where several are used

model = dict(
    decode_head=dict(
        type="UPerHead",
        in_channels=[128, 256, 512, 1024],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=512,
        dropout_ratio=0.1,
        num_classes=None,  # filled in: as many as the class scheme has
        ignore_index=255,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[dict(type="SymmetricCrossEntropy", alpha=1.0, beta=0.0, loss_name="loss_ce")],
    ),
    auxiliary_head=dict(
        type="FCNHead",
        in_channels=512,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=None,  # filled in: as many as the class scheme has
        ignore_index=255,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[dict(type="SymmetricCrossEntropy", alpha=1.0, beta=0.0, loss_weight=0.4, loss_name="loss_ce")],
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)

del norm_cfg  # a name of this file, not a setting
