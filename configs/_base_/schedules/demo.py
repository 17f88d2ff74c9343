# Random weights need larger steps than a fine-tuning, everywhere alike.
_base_ = "adamw_poly.py"
optim_wrapper = dict(optimizer=dict(lr=2e-3), paramwise_cfg=dict(head_lr_mult=1.0))
pretrained = None
crop_size = 128
iterations = 1800
checkpoint_interval = 100
validation_interval = 300
