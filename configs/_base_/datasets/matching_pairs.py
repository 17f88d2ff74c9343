# Labelled and unlabelled pairs of SAR and optical images, as in Gai and Li 2025.
train_dataloader = dict(
    batch_size=16,  # over all processes
    dataset=dict(
        unlabelled_per_labelled=15,  # 0 learns from labelled pairs alone
        min_data=0.9,
        turned=False,  # True flips and turns samples at random
    ),
)
matching = dict(
    deep_temperature=1 / 100,
    shallow_temperature=1 / 30,
    pseudo_temperature=1 / 200,
    unlabelled_temperature=1 / 80,
    # The weights of the three parts are our choice.
    unlabelled_weight=1.0,
    unlabelled_from=0,  # step from which on they teach
    independence_weight=1.0,
    bins=32,
)
