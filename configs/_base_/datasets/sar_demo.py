# Many small steps learn faster from random weights than few large ones; a narrow scale leaves more to learn per step.
_base_ = "sar.py"
train_dataloader = dict(batch_size=4, dataset=dict(scale=(0.75, 1.33)))
