"""S2M2-SAR: a matcher of SAR and optical images, trained with few labelled pairs and many unlabelled ones.

Gai, Li: Semi-supervised Multiscale Matching for SAR-Optical Image, 2025, https://arxiv.org/abs/2508.07812. Every module
says what is published and what is our choice.
"""
