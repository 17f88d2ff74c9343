# Self-training of the demo: small networks, few iterations, small scenes.
_base_ = ["dacs.py", "../datasets/optical_pairs.py"]
# The teacher must forget the first weights of its heads sooner, and is never as sure as a large one.
self_training = dict(ema_limit=0.99, confidence=0.9)
train_dataloader = dict(
    dataset=dict(
        source=dict(scale=(0.75, 1.33)),
        target=dict(scale=(0.75, 1.33)),
        resolution_alignment=dict(probability=0.5, ratio=(0.35, 0.6)),  # the target is about half as fine
    )
)
