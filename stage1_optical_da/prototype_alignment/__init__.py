"""Alignment of target features with Gaussian mixtures of the source's classes, and contrast of single pixels.

Hu, Wang, Chen: Local Pixel-Contrast and Global Gaussian Multiprototype Bidirectional Alignment for Unsupervised Domain
Adaptation of Semantic Segmentation in Remote Sensing Imagery, IEEE JSTARS 19, 2026. Only the abstract is public: it
names pixel contrast with sampling that favours minority classes, several Gaussian prototypes for each source class,
and alignment forward (target features to the prototypes) and in reverse (prototypes refined by the target). All
equations, and what the abstract does not say, are ours.
"""
