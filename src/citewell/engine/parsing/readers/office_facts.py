"""Title, author and date of old Office files.

Source: [MS-OLEPS] sections 2.21 to 2.25, and 3.1.2 for the names of the properties.
"""

import struct
from datetime import UTC, datetime, timedelta

from citewell.engine.parsing.containers import Compound

_TITLE, _AUTHOR, _CREATED, _PAGE = 2, 4, 12, 1
_TEXT, _TIME = 0x1E, 0x40
_MOST = 100
"""Properties that are looked at; there are some twenty."""


def facts_of(container: Compound) -> tuple[str | None, dict[str, str]]:
    """The title and the metadata; what is damaged is left out."""
    try:
        data = container.stream("\x05SummaryInformation") or b""
        values = _values(data)
    except (struct.error, ValueError, LookupError, OverflowError):
        return None, {}
    metadata = {"author": values.get(_AUTHOR, ""), "created": values.get(_CREATED, "")}
    return values.get(_TITLE) or None, {name: value for name, value in metadata.items() if value}


def _values(data: bytes) -> dict[int, str]:
    if len(data) < 48:
        return {}
    (start,) = struct.unpack_from("<I", data, 44)
    (count,) = struct.unpack_from("<I", data, start + 4)
    places = dict(
        struct.unpack_from("<II", data, start + 8 + 8 * number)
        for number in range(min(count, _MOST))
    )
    encoding = "cp1252"
    if _PAGE in places:
        (page,) = struct.unpack_from("<H", data, start + places[_PAGE] + 4)
        encoding = {65001: "utf-8", 1200: "utf-16-le"}.get(page, f"cp{page}")
    found: dict[int, str] = {}
    for name in (_TITLE, _AUTHOR, _CREATED):
        if name not in places:
            continue
        at = start + places[name]
        kind, size = struct.unpack_from("<II", data, at)
        if kind == _TEXT:
            raw = data[at + 8 : at + 8 + size]
            found[name] = raw.decode(encoding, "replace").partition("\0")[0].strip()
        elif kind == _TIME:
            (ticks,) = struct.unpack_from("<Q", data, at + 4)
            # 2^61: a later time is behind the calendar's end.
            if 0 < ticks < 1 << 61:
                day = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
                found[name] = day.isoformat(timespec="seconds")
    return found
