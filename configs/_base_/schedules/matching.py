# AdamW as in Gai and Li 2025; the rate stays, and the length is our choice.
optim_wrapper = dict(
    type="OptimWrapper",  # "Bf16OptimWrapper" runs the network in bf16 and the correlation in fp32, on any device
    optimizer=dict(type="AdamW", lr=1e-5, betas=(0.9, 0.999), weight_decay=0.1, fused=True),
)
param_scheduler = [dict(type="ConstantLR", factor=1.0, begin=0, by_epoch=False)]
iterations = 100000
checkpoint_interval = 2000
validation_interval = 5000
choose = "last"  # or test_cmr_1, test_cmr_2, test_cmr_5, which flatter the pairs that they are measured on
compile = False
