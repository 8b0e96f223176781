"""How long tests wait for what must happen: as long as a busy machine needs."""

import asyncio
import os
from typing import Any

from citewell.features.sessions import credentials

ORDINARY = 180.0

PATIENCE = float(os.environ.get("TEST_PATIENCE", ORDINARY))
"""Seconds before what does not happen is taken for hung. A test that passes never waits so long:
the bound is for machines with ten times as much to do as they have cores."""

PATIENT: dict[str, Any] = {"open_timeout": PATIENCE, "ping_interval": None}
"""Options of `websockets.connect`: its own bound for the handshake is ten seconds, and a peer that
does not answer a ping within twenty is dropped."""


async def until_forgotten() -> None:
    """Wait until no server goes by a credential that it has checked before.

    Revoked keys and ended sessions are refused after this, and until then perhaps: a test may
    assert neither before it.
    """
    # A process may sleep for a little less than it asks for, as clocks tick.
    await asyncio.sleep(credentials.MEMORY_SECONDS + 0.05)


LOAD_PER_CORE = 4
"""Above it a duration says more of the machine's other work than of ours."""


def has_time() -> bool:
    """Whether the machine is free enough for durations by the clock to mean something."""
    return os.getloadavg()[0] <= LOAD_PER_CORE * (os.cpu_count() or 1)
