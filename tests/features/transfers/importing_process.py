"""A process that imports a file in small batches, to be killed: URL, home, tenant and file."""

import asyncio
import sys
import uuid
from pathlib import Path

from citewell.core.context import OPERATOR, Caller
from citewell.core.settings import Settings
from citewell.features.transfers.pace import ImportPace
from tests.features.transfers.conftest import imported
from tests.quiet import quiet_platform


async def main(url: str, home: str, tenant: str, content: bytes) -> None:
    """Import it."""
    async with quiet_platform(Settings(home=Path(home)), url) as platform:
        platform = platform.holding(ImportPace(batch_bytes=20_000))
        caller = Caller(uuid.UUID(tenant), OPERATOR)
        await imported(platform, caller, content, name="arrived")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], Path(sys.argv[4]).read_bytes()))
