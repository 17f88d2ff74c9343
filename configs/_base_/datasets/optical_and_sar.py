# Both images of a tile, cut and turned alike, for networks whose backbone takes a mapping from modality to maps.
_base_ = "sar.py"
modality = "optical+sar"
geometry, brightness_of_sar = _base_.train_dataloader.dataset.augmentations

train_dataloader = dict(
    dataset=dict(
        augmentations=[
            geometry,
            dict(
                type="OnModality",
                modality="optical",
                transform=dict(
                    type="Albumentation",
                    # as in optical_pairs.py
                    transforms=[
                        dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.4, hue=0.05, p=0.8)
                    ],
                ),
            ),
            dict(type="OnModality", modality="sar", transform=brightness_of_sar),
        ],
    ),
)

del geometry, brightness_of_sar  # names of this file, not settings
