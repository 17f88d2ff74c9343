# Cross-entropy, its reverse (Wang et al., ICCV 2019) and Lovasz-Softmax (Berman et al., CVPR 2018) for partly wrong
# labels: Liu et al. 2025, equations (9) to (11) and section II-D. Also on the auxiliary head, times its weight.
# The authors' released code computes 3 x cross-entropy: alpha=3, beta=0.
# border=1: targets are the shares of the classes within one pixel, for labels whose borders are off by as much.
losses = [
    dict(type="SymmetricCrossEntropy", alpha=1.0, beta=1.0, border=0, loss_name="loss_sce"),
    dict(type="LovaszSoftmax", loss_name="loss_lovasz"),
]
class_balance = None  # beta in (0, 1): pixels of rare classes count more, see landcover/losses/class_balance.py
weight_ema = None  # 0.999: exports the running average of the weights instead of the last ones
