# Fine-tuning of pretrained weights in the demo: a smaller rate for the backbone than demo.py's for random ones.
_base_ = "demo.py"
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(head_lr_mult=5.0))
pretrained = "efficientnet_lite0"
iterations = 600
