# Labelled source tiles beside unlabelled target tiles, augmented as in Liu et al. 2025, section III-B.
geometry = [
    dict(type="HorizontalFlip", p=0.5),
    dict(type="VerticalFlip", p=0.5),
    dict(type="RandomRotate90", p=0.5),
]

train_dataloader = dict(
    batch_size=8,  # over all processes
    dataset=dict(
        source=dict(
            scale=(0.5, 2.0),
            max_class_share=0.75,
            # Not in Liu et al.; as in DAFormer (Hoyer et al. 2022) it is dict(temperature=0.01, min_pixels=3000).
            rare_classes=None,
            augmentations=[
                dict(
                    type="Albumentation",
                    transforms=[
                        *geometry,
                        dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.4, hue=0.05, p=0.8),
                    ],
                ),
            ],
        ),
        target=dict(
            scale=(0.5, 2.0),
            max_class_share=1.0,  # no labels to judge a crop by
            augmentations=[dict(type="Albumentation", transforms=geometry)],
        ),
        # Of source images, after their augmentations: OpenEarthMap is finer than OpenEarthMap-SAR.
        resolution_alignment=dict(probability=0.2, ratio=(0.1, 0.35), upscale=(1.0, 1.0)),
    ),
)

del geometry  # a name of this file, not a setting
