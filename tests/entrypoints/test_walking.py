"""Which files of a folder are taken in."""

import errno
from pathlib import Path

from citewell.entrypoints.commands.ingesting import walk


class TestWalk:
    def test_links_out_of_the_folder_are_told_and_left_out(self, tmp_path: Path) -> None:
        folder, outside = tmp_path / "folder", tmp_path / "folder-of-others"
        for each in (folder, folder / "inner", outside):
            each.mkdir()
        secret = outside / "secret.txt"
        secret.write_text("secret")
        (folder / "own.txt").write_text("own")
        (folder / "inner" / "same.txt").symlink_to(folder / "own.txt")
        (folder / "direct.txt").symlink_to(secret)
        (folder / "relative.txt").symlink_to("../folder-of-others/secret.txt")
        (folder / "twice.txt").symlink_to(folder / "direct.txt")
        found = list(walk([folder]))
        taken = {path.name for path in found if isinstance(path, Path)}
        assert taken == {"own.txt", "same.txt"}
        told = [error for error in found if isinstance(error, OSError)]
        assert {Path(str(error.filename)).name for error in told} == {
            "direct.txt", "relative.txt", "twice.txt",
        }  # fmt: skip
        assert {error.errno for error in told} == {errno.ELOOP}

    def test_link_that_is_named_is_followed(self, tmp_path: Path) -> None:
        file, folder = tmp_path / "a.txt", tmp_path / "folder"
        file.write_text("a")
        folder.mkdir()
        link = folder / "b.txt"
        link.symlink_to(file)
        assert list(walk([link])) == [link]
        linked = tmp_path / "linked"
        linked.symlink_to(folder)
        (folder / "c.txt").write_text("c")
        assert [path.name for path in walk([linked]) if isinstance(path, Path)] == ["c.txt"]
