_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs.py",
]
pretrained = "mit_b3"
crop_size = 768
iterations = 80000
