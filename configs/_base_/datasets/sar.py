# SAR tiles with label files, augmented as in Liu et al. 2025, section III-B.
train_dataloader = dict(
    batch_size=8,  # over all processes
    dataset=dict(
        scale=(0.5, 2.0),
        max_class_share=0.75,
        augmentations=[
            dict(
                type="Albumentation",
                transforms=[
                    dict(type="HorizontalFlip", p=0.5),
                    dict(type="VerticalFlip", p=0.5),
                    dict(type="RandomRotate90", p=0.5),
                    # the colour jitter of the paper, for one band
                    dict(type="RandomBrightnessContrast", brightness_limit=0.2, contrast_limit=0.2, p=0.5),
                ],
            ),
        ],
    ),
)
