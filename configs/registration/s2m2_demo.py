# Small enough for minutes on a CPU, on the demo's tiles of 256 pixels.
_base_ = ["../_base_/models/s2m2.py", "../_base_/datasets/matching_pairs.py", "../_base_/schedules/matching.py"]
model = dict(search=16, widths=[16, 32, 64], blocks=1, shallow_channels=16)
crop_size = 96
iterations = 400
checkpoint_interval = 100
validation_interval = 200
train_dataloader = dict(
    batch_size=4,
    dataset=dict(unlabelled_per_labelled=3, turned=True),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=1 / 60, begin=0, end=1500, by_epoch=False),
    dict(type="CosineAnnealingLR", eta_min=0.0, begin=1500, by_epoch=False),
]
