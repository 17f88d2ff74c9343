# The baseline without adaptation: labelled source tiles alone.
_base_ = "segformer_mit-b3_768.py"
self_training = dict(target_weight=0.0)
train_dataloader = dict(dataset=dict(resolution_alignment=dict(probability=0.0)))
