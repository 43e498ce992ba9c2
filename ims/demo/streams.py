"""Random streams: one generator per purpose and day, so a longer history repeats the shorter one exactly."""

from __future__ import annotations

import zlib

import numpy as np


def open_stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """A generator that depends on (seed, purpose, index) alone; index counts from 0 and may be a day or a week."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(purpose.encode()), index]))
