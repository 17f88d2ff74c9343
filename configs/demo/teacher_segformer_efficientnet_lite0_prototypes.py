# With pixel contrast and Gaussian prototypes aligned in both directions, see configs/_base_/uda/dacs_prototypes.py.
_base_ = "teacher_segformer_efficientnet_lite0.py"
self_training = dict(
    parts=dict(
        alignment=dict(
            type="GaussianPrototypeAlignment",
            contrast_weight=0.1,
            forward_weight=0.1,
            reverse=0.5,
            posterior_weight=0.0,
            components=5,
            begin=60,  # of 400 iterations
            ramp=120,
            momentum=0.9,  # over 10 steps of EM, 50 of training
            memory=640,
            pixels=64,
            confidence=0.9,  # that of the images' weights
            rare_confidence=0.8,
            layer="decode",
            layer_channels=None,
        )
    )
)
