_base_ = [
    "../_base_/models/segformer_mit.py",
    "../_base_/datasets/loveda.py",
    "../_base_/schedules/adamw_poly.py",
    "../_base_/uda/dacs_prototypes.py",
]
pretrained = "mit_b3"
crop_size = 512
iterations = 40000  # as ST-DASegNet (https://arxiv.org/abs/2301.05526)
