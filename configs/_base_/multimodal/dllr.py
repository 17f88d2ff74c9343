# An optical branch trains beside a SAR model and both teach each other (SAR_TRAINING=multimodal), after Han, Jiang,
# Geng and Miao 2025 (IEEE TIP 34), whose equations are not public: numbers are ours, see stage2_sar_seg/multimodal.
multimodal = dict(
    optical=None,  # config file whose network reads the optical images; None: the SAR model's own, of three bands
    data=dict(
        unlabelled_share=0.5,  # of the crops, from pairs without labels, where there are some
        # Of the crops, such as 0.125, from SAR tiles of val and test, which have no optical image. None, as they cost
        # more than they gave, see docs/multimodal.md.
        sar_only_share=0.0,
        optical_augmentations=[
            # as in optical_pairs.py; those of the SAR model change the SAR images, or move pixels of both
            dict(
                type="Albumentation",
                transforms=[dict(type="ColorJitter", brightness=0.3, contrast=0.3, saturation=0.4, hue=0.05, p=0.8)],
            ),
        ],
    ),
    masking=dict(
        probability=0.5,  # of a pair; the others are seen whole, as SAR images are in use. 0: without masks
        # The optical image says more: of it more is hidden, in larger patches.
        modalities=dict(optical=dict(ratio=0.4, patch=32), sar=dict(ratio=0.2, patch=16)),
    ),
    fused_weight=0.5,  # losses of the mean of both predictions on labelled pixels; 0: without
    complementary_weight=0.5,  # 0: without
    cross=dict(
        weight=0.5,  # 0: without
        reassign=True,  # False: the best class of pixels with this confidence
        confidence=0.9,
        sharpness=4.0,  # power of the probabilities
        slack=2.0,  # no class gets more than twice its share in the labels
        smoothing=0.1,
        cell=4,  # of the network's output: 16 pixels of the image
        region_weight=0.5,  # 0: pixels alone
    ),
    averaged_teachers=False,  # True: the averages of weight_ema teach, which see whole images; a third more time
)
