# Cross-entropy alone: what the losses for partly wrong labels are compared with.
_base_ = "sce_lovasz.py"
losses = [dict(type="SymmetricCrossEntropy", alpha=1.0, beta=0.0, loss_name="loss_ce")]
