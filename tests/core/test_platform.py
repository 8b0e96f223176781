"""Handles whose classes the core does not know."""

import pytest

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
