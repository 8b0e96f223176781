"""Files of one format with some of their bytes changed."""

import random
from collections.abc import Callable
from pathlib import Path

from citewell.engine.parsing.base import ParseError


def told_of_damaged(path: Path, read: Callable[[Path], object], times: int) -> list[str]:
    """Read a file damaged in as many ways; the messages of those that were refused.

    Any other error than `ParseError` goes through. The first sector, by which the format is known,
    stays whole.
    """
    draw = random.Random(14)
    whole = path.read_bytes()
    messages: list[str] = []
    for _ in range(times):
        raw = bytearray(whole)
        for _ in range(draw.choice((1, 5, 40))):
            raw[draw.randrange(512, len(raw))] = draw.randrange(256)
        path.write_bytes(raw)
        try:
            read(path)
        except ParseError as error:
            messages.append(error.message)
    return messages
