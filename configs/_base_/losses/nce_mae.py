# Active and passive loss: normalized cross-entropy and absolute error, Ma et al., ICML 2020. Both factors are 1, the
# authors' for the 10 classes of CIFAR-10. The absolute error 2 (1 - p_y) is the reverse with log 0 = -2.
_base_ = "sce_lovasz.py"
losses = [
    dict(type="NormalizedCrossEntropy", loss_name="loss_nce"),
    dict(type="SymmetricCrossEntropy", alpha=0.0, beta=1.0, log_zero=-2.0, loss_name="loss_mae"),
]
