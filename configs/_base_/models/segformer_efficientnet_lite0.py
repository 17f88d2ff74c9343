# SegFormer's head of linear layers on EfficientNet-Lite0 instead of a Mix Transformer: see
# upernet_efficientnet_lite0.py for the backbone.
_base_ = "upernet_efficientnet_lite0.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="FastSegformerHead",
        in_channels=[24, 40, 112, 320],
        in_index=[0, 1, 2, 3],
        channels=256,
        dropout_ratio=0.1,
        num_classes=None,  # filled in: as many as the class scheme has
        ignore_index=255,
        norm_cfg=_base_.model.decode_head.norm_cfg,
        align_corners=False,
        loss_decode=_base_.model.decode_head.loss_decode,
    ),
    auxiliary_head=None,
)
