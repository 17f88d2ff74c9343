# Generalized cross-entropy, Zhang and Sabuncu, NeurIPS 2018; q is the paper's.
_base_ = "sce_lovasz.py"
losses = [dict(type="GeneralizedCrossEntropy", q=0.7, loss_name="loss_gce")]
