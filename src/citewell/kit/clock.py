"""Time, always in UTC."""

import time
from datetime import UTC, datetime

from citewell.kit.spans import recorder


def utc_now() -> datetime:
    """The current time with its zone."""
    return datetime.now(UTC)


class Stopwatch:
    """Wall time of named stages in milliseconds."""

    def __init__(self) -> None:
        self._started = self._lap = time.perf_counter()
        self.timings_ms: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to `stage`."""
        now = time.perf_counter()
        spent = (now - self._lap) * 1000
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + spent, 3)
        self._lap = now
        if (spans := recorder()) is not None:
            spans.add(f"stage {stage}", spent / 1000, {})

    def finish(self) -> dict[str, float]:
        """All stages and their `total`."""
        total = (time.perf_counter() - self._started) * 1000
        return {**self.timings_ms, "total": round(total, 3)}
