# Active and passive loss: normalized and reverse cross-entropy, Ma et al., ICML 2020. Both factors are 1, the authors'
# for the 10 classes of CIFAR-10.
_base_ = "sce_lovasz.py"
losses = [
    dict(type="NormalizedCrossEntropy", loss_name="loss_nce"),
    dict(type="SymmetricCrossEntropy", alpha=0.0, beta=1.0, loss_name="loss_rce"),
]
