"""Class schemes: names, colours, how label files tell the classes, and the files that say so."""

from landcover.classes.scheme import IGNORE_INDEX, UNLABELLED_INDEX, VOID, ClassScheme
from landcover.classes.scheme_file import OPEN_EARTH_MAP, SCHEMES

__all__ = ["IGNORE_INDEX", "OPEN_EARTH_MAP", "SCHEMES", "UNLABELLED_INDEX", "VOID", "ClassScheme"]
