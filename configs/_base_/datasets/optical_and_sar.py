# Both images of a tile, cut and turned alike, for networks whose backbone takes a mapping from modality to maps.
_base_ = "sar.py"
modality = "optical+sar"
train_dataloader = dict(
    dataset=dict(
        augmentations=[
            dict(
                type="Albumentation",
                transforms=[
                    dict(type="HorizontalFlip", p=0.5),
                    dict(type="VerticalFlip", p=0.5),
                    dict(type="RandomRotate90", p=0.5),
                ],
            ),
            # Grey values of each as where it is alone: optical_pairs.py and sar.py.
            dict(
                type="OnModality",
                modality="optical",
                transform=dict(
                    type="Albumentation",
                    transforms=[
                        dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.4, hue=0.05, p=0.8)
                    ],
                ),
            ),
            dict(
                type="OnModality",
                modality="sar",
                transform=dict(
                    type="Albumentation",
                    transforms=[
                        dict(type="RandomBrightnessContrast", brightness_limit=0.2, contrast_limit=0.2, p=0.5),
                    ],
                ),
            ),
        ],
    ),
)
