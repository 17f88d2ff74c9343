# AdamW with warm-up and linear decay, as SegFormer (https://arxiv.org/abs/2105.15203).
optim_wrapper = dict(
    type="OptimWrapper",  # "Bf16OptimWrapper" runs the networks in bf16 and the losses in fp32, on any device
    optimizer=dict(type="AdamW", lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01, fused=True),
    constructor="SegmentorOptimizer",  # no decay on norms and positions
    paramwise_cfg=dict(head_lr_mult=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1 / 60, begin=0, end=1500, by_epoch=False),  # from 1e-6
    dict(type="PolyLR", power=1.0, eta_min=0.0, begin=1500, by_epoch=False),
]
checkpoint_interval = 4000
validation_interval = 8000
# The model of the last iteration, as in the paper. The name of a value logged at each validation_interval exports the
# model where it was largest: validation_miou; teachers also target_agreement, target_confidence (no target labels).
choose = "last"
# True: torch.compile, minutes at the start for faster steps; needs a C++ compiler, on GPUs Triton and a C compiler.
compile = False
