# Self-training of Liu et al. 2025, equations (3) to (8), with the settings of DACS (https://arxiv.org/abs/2007.08702).
self_training = dict(
    type="SelfTraining",
    confidence=0.968,  # tau_0
    ema_limit=0.999,  # alpha
    target_weight=1.0,  # 0: the source alone
    augmentation=dict(jitter_probability=0.2, jitter_strength=0.2, blur_probability=0.5, blur_sigma=(0.15, 1.15)),
    # Further losses by a name of their own, such as dict(lovasz=dict(type="SourceLovasz", weight=1.0)).
    parts=dict(),
)
