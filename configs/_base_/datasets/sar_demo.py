# Many small steps learn faster than few large ones; a narrow scale leaves more to learn per step.
_base_ = "sar.py"
geometry, brightness = _base_.train_dataloader.dataset.augmentations
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        scale=(0.75, 1.33),
        rare_classes=dict(_delete_=True, temperature=0.1, min_pixels=200),  # a class may be 1 % of the labels
        augmentations=[
            geometry,
            # Relative to the image's mean: of 255 grey values, a fifth is more than such dark images have.
            dict(type="Albumentation", transforms=[dict(brightness.transforms[0], brightness_by_max=False)]),
        ],
    ),
)

del geometry, brightness  # names of this file, not settings
