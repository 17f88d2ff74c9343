# What the code that Liu et al. released computes in place of sce_lovasz.py: its "symmetric" term is twice the
# cross-entropy again. Lovasz stays, for without it the factor 3 would change next to nothing under AdamW.
_base_ = "sce_lovasz.py"
losses = [
    dict(type="SymmetricCrossEntropy", alpha=3.0, beta=0.0, loss_name="loss_ce"),
    dict(type="LovaszSoftmax", loss_name="loss_lovasz"),
]
