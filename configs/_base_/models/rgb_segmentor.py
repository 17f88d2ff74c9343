# What reads RGB, of every network; stage 2 replaces the statistics by those of its SAR images.
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],  # ImageNet, RGB
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,  # images are read as RGB
        seg_pad_val=255,
        size_divisor=32,
    ),
)
