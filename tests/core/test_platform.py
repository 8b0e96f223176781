"""Handles whose classes the core does not know."""

import pytest

from citewell.core.platform import ClosedAtEnd
from citewell.core.settings import Settings
from tests.quiet import quiet_platform


class Telescope:
    """Of a band above the core."""


async def test_handle_is_found_by_its_class(settings: Settings) -> None:
    async with quiet_platform(settings, "postgresql://nobody@localhost/nothing") as platform:
        telescope = Telescope()
        holding = platform.holding(telescope)
        assert holding.handle(Telescope) is telescope
        with pytest.raises(LookupError):
            platform.handle(Telescope)


class Kiln(ClosedAtEnd):
    """A state with something to end."""

    def __init__(self) -> None:
        self.times_closed = 0

    async def close(self) -> None:
        self.times_closed += 1


async def test_states_are_closed_once_if_they_were_used_by_a_copy_too(settings: Settings) -> None:
    async with quiet_platform(settings, "postgresql://nobody@localhost/nothing") as platform:
        kiln = platform.holding(Telescope()).state_of(Kiln)
        await platform.close_states()
        await platform.close_states()
        assert kiln.times_closed == 1
