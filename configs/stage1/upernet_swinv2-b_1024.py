_base_ = [
    "../_base_/models/upernet_swinv2.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs.py",
]
pretrained = "swinv2_base_window12to24_192to384.ms_in22k_ft_in1k"
crop_size = 1024
iterations = 80000
model = dict(
    backbone=dict(
        img_size=1024,
        # On each of four GPUs 21.7 GiB otherwise. It costs time, but no accuracy: bf16 would change the arithmetic.
        with_cp=True,
    )
)
train_dataloader = dict(batch_size=4)  # memory
