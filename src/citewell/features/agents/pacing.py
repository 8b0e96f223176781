"""The share of the processors that runs of agents take while documents are taken in beside them.

An agent mostly waits for its model, and dozens may do so in one process. The work between two
replies takes processor time, also of the database, and without a bound fifty runs take two thirds
of a small machine. People wait for minutes for an agent and do not notice a second more, and
documents keep all processors busy. So the agents give way: while jobs of documents are at work in
the process, a step begins once the steps before it have taken no more than their share. A run that
waits for its model takes no part in this, and no time of its limit, or of the run
that asked for it, passes while it waits here.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from citewell.core.fetching import Lane
from citewell.core.platform import Platform
from citewell.engine.onnx.sessions import available_cores
from citewell.kit.metering import Metered

T = TypeVar("T")

BESIDE = 1.5
"""Processor time of a step in all for each second in this process: the database takes about a third
of what the process takes (10 of 34 ms a step), and the network some."""

LOOK_SECONDS = 0.25
"""Longest pause before it is looked again whether documents are still taken in."""

LONGEST_DEBT = 2.0
"""Seconds that steps may be ahead of their share: so long, at most, does a share that was taken
before count."""

STEP_SECONDS = 0.01
"""Processor time that is reserved for a step that begins, and gives way to what it really takes."""


class AgentPace:
    """Lets the steps of this process's runs begin; a state of the platform."""

    def __init__(self) -> None:
        self._order = asyncio.Lock()
        self._taken = 0.0
        """Processor seconds that steps took beyond their share."""
        self._reserved = 0.0
        """The same of steps that have begun, as far as they have not taken them yet."""
        self._at = 0.0
        """When what is beyond the share was last paid off."""

    def metered(self, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """The same work of a run; its processor time counts."""
        return Metered(work, self._note)

    async def turn(self, rate: float, is_beside: Callable[[], bool]) -> float:
        """Wait until a step may begin; the seconds that it took.

        Args:
            rate: Processor seconds that steps may take in a second beside documents.
            is_beside: Whether documents are being taken in.
        """
        if not is_beside():
            return 0.0
        began = time.monotonic()
        async with self._order:  # first come, first served
            while is_beside():
                if (debt := self._debt(rate)) <= 0:
                    break
                await asyncio.sleep(min(debt / rate, LOOK_SECONDS))
            # Its cost is known only afterwards, and others would begin meanwhile.
            self._reserved += STEP_SECONDS * BESIDE
        return time.monotonic() - began

    def _debt(self, rate: float) -> float:
        """Processor seconds that steps are ahead of their share now."""
        now = time.monotonic()
        paid, self._at = (now - self._at) * rate, now
        rest = max(0.0, paid - self._taken)
        # Steps that began while there was nothing to keep to are not held against later ones.
        self._taken = min(max(0.0, self._taken - paid), LONGEST_DEBT * rate)
        self._reserved = max(0.0, self._reserved - rest)
        return self._taken + self._reserved

    def _note(self, seconds: float) -> None:
        self._taken += seconds * BESIDE
        self._reserved = max(0.0, self._reserved - seconds * BESIDE)


async def turn_beside_documents(platform: Platform) -> float:
    """Wait until a step of a run may begin in this process; the seconds that it took."""
    rate = platform.settings.worker_agent_share * available_cores()
    is_beside = partial(platform.queue.is_at_work, Lane.DEFAULT)
    return await platform.state_of(AgentPace).turn(rate, is_beside)
