"""Optical and SAR branches that train together and teach each other; SAR alone is used afterwards.

After Han, Jiang, Geng, Miao: Difference-Complementary Learning and Label Reassignment for Multimodal Semi-Supervised
Semantic Segmentation of Remote Sensing Images, IEEE Transactions on Image Processing 34:566-580, 2025. Its equations
are not public: masks, weights, losses and their numbers are our choice, each stated where it stands.
"""
