# SAR tiles with label files, augmented as in Liu et al. 2025, section III-B.
modality = "sar"  # what the network reads; see optical_and_sar.py
sar = dict(
    unit=None,  # "amplitude", "intensity" or "decibel"; uint8 images need none, they are amplitudes
    band=None,  # of files with several: its number, from 1, or its description, "VV"
    bands=1,  # ["VV", "VH"] or [1, 2] stacks several; 3 repeats one for three-band networks: same result, slower
    stretch=None,  # "log": decibels; "percentile": grey values outside the 1 % and 99 % of the training set are clipped
    despeckle=None,  # dict(type="lee", window=7, looks=4.0) or dict(type="refined_lee", looks=4.0)
)

train_dataloader = dict(
    batch_size=8,  # over all processes
    dataset=dict(
        scale=(0.5, 2.0),
        max_class_share=0.75,
        rare_classes=None,  # as in optical_pairs.py
        augmentations=[
            dict(
                type="Albumentation",
                transforms=[
                    dict(type="HorizontalFlip", p=0.5),
                    dict(type="VerticalFlip", p=0.5),
                    dict(type="RandomRotate90", p=0.5),
                ],
            ),
            # The colour jitter of the paper, for one band of uint8; an entry of its own, which SAR_OPTIONS can replace.
            dict(
                type="Albumentation",
                transforms=[dict(type="RandomBrightnessContrast", brightness_limit=0.2, contrast_limit=0.2, p=0.5)],
            ),
        ],
    ),
)
