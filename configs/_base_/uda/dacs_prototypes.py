# DACS with pixel contrast and Gaussian prototypes aligned in both directions, after Hu, Wang and Chen 2026 (IEEE JSTARS
# 19), of which only the abstract is public: numbers are ours, see stage1_optical_da/prototype_alignment.
_base_ = "dacs.py"
self_training = dict(
    parts=dict(
        alignment=dict(
            type="GaussianPrototypeAlignment",
            contrast_weight=0.1,  # 0: without
            forward_weight=0.1,  # 0: without
            reverse=0.5,  # 0: without
            posterior_weight=0.0,  # pseudo-labels are the teacher's alone
            components=5,  # Gaussians of a class
            begin=1500,  # the warm-up of the learning rate
            ramp=10000,
            momentum=0.999,  # over 1,000 steps of EM, 5,000 of training
            memory=640,  # 128 pixels of a component, for 64 variances
            pixels=64,
            confidence=0.968,  # tau_0 of the images' weights
            rare_confidence=0.8,
            layer="decode",
            layer_channels=None,
        )
    )
)
