# ISPRS Potsdam (0.05 m) and Vaihingen (0.09 m): the contest's training areas of one with labels and of the other
# without; scores on the test areas of the other one.
_base_ = "optical_pairs.py"
train_dataloader = dict(
    dataset=dict(
        # Areas have up to 6000 x 6000 pixels; no crop of 512 needs more than 1024, see scale.
        source=dict(largest_tile=1024),
        target=dict(largest_tile=1024),
        # Of either city source; from Potsdam to Vaihingen a ratio of (0.4, 0.7) would be that of the ground.
        resolution_alignment=dict(probability=0.0),
    )
)
