# LoveDA (Wang et al. 2021, https://arxiv.org/abs/2110.08733), rural and urban: Train of one with labels, Val of the
# other without; scores on the labels of Val, and by the benchmark's server on Test. Both are of one sensor and 0.3 m.
_base_ = "optical_pairs.py"
train_dataloader = dict(dataset=dict(resolution_alignment=dict(probability=0.0)))
