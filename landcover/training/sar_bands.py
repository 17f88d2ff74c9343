"""Which bands of SAR files a network gets: `sar.band` and `sar.bands` of a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landcover.errors import InputError
from landcover.images.source import Bands

KINDS = "1 (one band), 3 (one band three times) or a list of bands such as [VV,VH] or [1,2]"


@dataclass(frozen=True)
class SarBands:
    """Bands on their way from a file to a network.

    Args:
        read: what is read of every file, numbers from 1 or descriptions; empty for the only band of files of one.
        count: bands of the network: as many as are read, or 3 for one band three times.
    """

    read: Bands
    count: int

    @staticmethod
    def of(sar: Mapping[str, Any]) -> SarBands:
        """Those that a config's `sar` asks for: `band`, or a list as `bands`; `bands=3` repeats the one that is read.

        Raises:
            InputError: anything else, or both.
        """
        band, bands = sar.get("band"), sar.get("bands", 1)
        if isinstance(bands, list | tuple):
            if band is not None:
                raise InputError(
                    f"sar.band: expected None beside sar.bands={list(bands)}, found {band!r}; set one of them"
                )
            if not bands or len(set(bands)) < len(bands) or not all(map(_is_band, bands)):
                raise InputError(
                    "sar.bands: expected a list of different bands, numbers from 1 or descriptions such as VV, found "
                    f"{list(bands)}; correct it in the config"
                )
            return SarBands(tuple(bands), len(bands))
        if isinstance(bands, bool) or bands not in (1, 3):
            raise InputError(f"sar.bands: expected {KINDS}, found {bands!r}{_hint(bands)}")
        if not (band is None or _is_band(band)):
            raise InputError(
                f"sar.band: expected None, a number from 1 or a description such as VV, found {band!r}; "
                "correct it in the config, or set sar.bands to a list to stack several"
            )
        return SarBands(() if band is None else (band,), bands)


def _is_band(band: object) -> bool:
    if isinstance(band, str):
        return band != ""
    return isinstance(band, int) and not isinstance(band, bool) and band >= 1


def _hint(bands: object) -> str:
    """What to write instead."""
    names = bands.replace(",", " ").split() if isinstance(bands, str) else []
    if isinstance(bands, int) and not isinstance(bands, bool) and bands > 1:
        names = [str(number + 1) for number in range(bands)]
        return f"; set sar.band={bands} for that band, sar.bands=[{','.join(names)}] to stack them"
    if len(names) == 1:
        return f"; set sar.band={names[0]}"
    return f"; set sar.bands=[{','.join(names)}]" if names else "; correct it in the config"
