# S2M2-SAR (Gai and Li 2025, https://arxiv.org/abs/2508.07812): 256 deep and 32 shallow channels.
model = dict(
    type="S2M2Network",
    search=32,  # with crop_size 192: a SAR patch in an optical window of 256 pixels, 65 x 65 places
    widths=[64, 128, 256],  # of the stages; the last is that of the deep features
    blocks=2,
    shallow_channels=32,
    heads=8,
    groups=8,
    with_cp=False,  # True recomputes the blocks in the backward pass: less memory for more time
)
pretrained = None
crop_size = 192
