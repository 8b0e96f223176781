"""Damaged files of every format: the server goes on, and each ends as text or as a reason."""

from collections import Counter

import pytest
from damaged_files import damaged, samples

from citewell.engine.parsing.base import ParseFailure
from citewell.engine.parsing.formats import FORMATS, format_of_name
from citewell.models.documents import VersionStatus
from tests.quiet import Shelf

from .conftest import Rows
from .test_hostile import reading_shelf, work

__all__ = ["reading_shelf"]

_PLAIN = set(ParseFailure) - {ParseFailure.CRASHED, ParseFailure.TIMEOUT, ParseFailure.MEMORY}
"""Codes of files that a reader has found to be wrong; the others say that it broke down."""

AT_ONCE = 100


async def take_in(shelf: Shelf, rows: Rows, count: int) -> Counter[str]:
    """Takes in that many damaged files and counts their outcomes."""
    found: Counter[str] = Counter()
    files = list(damaged(count))
    for start in range(0, count, AT_ONCE):
        added = {
            name: await shelf.register(name, data) for name, data in files[start : start + AT_ONCE]
        }
        await work(shelf, rows)
        for name, registered in added.items():
            version, job = await shelf.state(registered)
            assert job is not None
            if version.status == VersionStatus.FAILED:
                assert version.error_code in _PLAIN, (name, version.error_detail)
                detail = version.error_detail or ""
                assert detail[:1].isupper(), name
                assert detail.endswith("."), name
                assert "Error" not in detail, name
                found[version.error_code] += 1
            else:
                assert (version.status, job.status) == ("ready", "succeeded"), name
                found["ready"] += 1
    good = await shelf.register("good.md", "# Good\n\nThis is the proof of reading.")
    await work(shelf, rows)
    assert (await shelf.state(good))[0].status == VersionStatus.READY
    return found


class TestDamagedFiles:
    def test_every_format_is_among_the_samples(self) -> None:
        named = {each for each, facts in FORMATS.items() if facts.extensions}
        assert {format_of_name(name) for name, _ in samples()} == named

    @pytest.mark.volume
    async def test_each_ends_as_text_or_as_a_reason(self, reading_shelf: Shelf, rows: Rows) -> None:
        found = await take_in(reading_shelf, rows, 40)
        assert found.total() == 40
        assert found["ready"] >= 5
        assert found[ParseFailure.CORRUPT] >= 5

    @pytest.mark.slow
    async def test_so_do_fifteen_hundred(self, reading_shelf: Shelf, rows: Rows) -> None:
        found = await take_in(reading_shelf, rows, 1_500)
        assert found.total() == 1_500
        assert found["ready"] >= 300
