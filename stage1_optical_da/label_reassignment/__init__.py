"""Labels reassigned by optimal transport between pixels, and regions of pixels, and classes.

Han, Jiang, Geng, Miao: Difference-Complementary Learning and Label Reassignment for Multimodal Semi-Supervised Semantic
Segmentation of Remote Sensing Images, IEEE TIP 34, 2025. Its equations are not public: that labels are reassigned by
optimal transport at several levels is theirs, all else is ours.
"""
