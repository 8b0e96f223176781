"""Processor time of a call, for tests that say how a cost grows."""

import gc
import time
from collections.abc import Callable


def processor_seconds(call: Callable[[], object], *, rounds: int = 3) -> float:
    """The least of some rounds: of this thread alone, without collecting others' garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        spent: list[float] = []
        for _ in range(rounds):
            begun = time.thread_time()
            call()
            spent.append(time.thread_time() - begun)
        return min(spent)
    finally:
        if was_enabled:
            gc.enable()
