# Random weights need larger steps than a fine-tuning, everywhere alike; two CPU cores need no loader processes.
_base_ = "adamw_poly.py"
optim_wrapper = dict(optimizer=dict(lr=2e-3), paramwise_cfg=dict(head_lr_mult=1.0))
train_dataloader = dict(num_workers=0, persistent_workers=False)
pretrained = None
crop_size = 128
iterations = 500
checkpoint_interval = 100
validation_interval = 100
