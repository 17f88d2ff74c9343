"""Synthetic scenes with known truth in the layouts of OpenEarthMap and OpenEarthMap-SAR.

One layout of streets, buildings, trees, water and fields is seen by an optical sensor (a source and a target look) and
by a side-looking radar; "published" pseudo-labels are as wrong as the real ones, and wrong alike where things look
alike. Colours, textures and backscatter of classes overlap. Nothing here is tuned to a method.
"""

from landcover.demo_scenes.sizes import DemoSizes
from landcover.demo_scenes.write import write_demo

__all__ = ["DemoSizes", "write_demo"]
