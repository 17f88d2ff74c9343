# With pixel contrast and Gaussian prototypes aligned in both directions.
_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/optical_pairs.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs_prototypes.py",
]
pretrained = "mit_b3"
crop_size = 768
iterations = 80000
