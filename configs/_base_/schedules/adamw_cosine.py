# AdamW with warm-up and cosine decay (Loshchilov and Hutter, ICLR 2017, https://arxiv.org/abs/1608.03983): the rate
# stays high for longer and falls faster than with adamw_poly.py.
_base_ = "adamw_poly.py"
param_scheduler = [
    dict(type="LinearLR", start_factor=1 / 60, begin=0, end=1500, by_epoch=False),  # from 1e-6
    dict(type="CosineAnnealingLR", eta_min=0.0, begin=1500, by_epoch=False),
]
