"""Files of secrets for the operator."""

import os
import stat
from pathlib import Path

import pytest

from citewell.core.errors import StartupError
from citewell.core.private_files import read_private, remove_private, write_private


class TestWritePrivate:
    def test_only_the_owner_reads_it_and_it_replaces_what_was_there(self, tmp_path: Path) -> None:
        path = tmp_path / "first.key"
        for content in ("one", "two"):
            write_private(path, content)
            assert read_private(path) == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_a_planted_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.write_text("before")
        path = tmp_path / "first.key"
        path.symlink_to(target)
        write_private(path, "secret")
        assert target.read_text() == "before"
        assert not path.is_symlink()

    def test_a_missing_folder_is_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(StartupError, match="cannot be written"):
            write_private(tmp_path / "none" / "first.key", "secret")


class TestReadPrivate:
    def test_what_others_may_have_written_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "setup.token"
        assert read_private(path) is None
        write_private(path, "token")
        path.chmod(0o640)
        assert read_private(path) is None
        link = tmp_path / "link"
        path.chmod(0o600)
        link.symlink_to(path)
        assert read_private(link) is None
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert read_private(tmp_path / "pipe") is None

    def test_a_removed_one_is_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "setup.token"
        write_private(path, "token")
        remove_private(path)
        remove_private(path)
        assert not path.exists()
