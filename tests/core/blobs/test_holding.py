"""Locks on plain copies: seen by others, and given back in whatever order things end."""

from pathlib import Path

import pytest

from citewell.core.blobs.holding import Hold, is_held


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "one.plain"
    path.write_bytes(b"plain")
    return path


def opened(path: Path) -> int:
    """How often this process has a file open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += each.readlink() == path
        except FileNotFoundError:  # the descriptor that lists them
            continue
    return found


class TestHold:
    def test_it_holds_until_it_ends(self, copy: Path) -> None:
        hold = Hold()
        hold.take(copy)
        assert is_held(copy)
        hold.end()
        assert not is_held(copy)
        assert opened(copy) == 0

    def test_one_that_ended_before_it_was_taken_leaves_nothing_open(self, copy: Path) -> None:
        hold = Hold()
        hold.end()
        hold.take(copy)
        assert opened(copy) == 0
        assert not is_held(copy)
