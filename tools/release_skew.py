"""Runs tests of an earlier release on the schema of this one, as its nodes meet it in an upgrade.

python tools/release_skew.py COMMIT [TESTS ...]     # default: the API's tests

A working copy of the commit gets the migrations of this one, and nothing else: its tests then make
their databases with the newer schema, and its code works in them, as an older node does beside
newer ones. Failures of tests that look at the schema itself, or at the list of migrations, are no
skew.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
USUAL = ("tests/entrypoints/http", "tests/features/documents", "tests/features/collections")
TEXT_BYTES = 1_000_000
"""Larger files of the environment name no paths."""


def main(commit: str, tests: list[str]) -> int:
    """Run the tests; returns the exit code of pytest."""
    with tempfile.TemporaryDirectory(prefix="citewell-skew-") as place:
        copy = Path(place) / "earlier"
        _git("worktree", "add", "--detach", str(copy), commit)
        try:
            _prepare(copy)
            return subprocess.run(
                [copy / ".venv/bin/python", "-m", "pytest", "-q", *tests], cwd=copy, check=False
            ).returncode
        finally:
            _git("worktree", "remove", "--force", str(copy))


def _prepare(copy: Path) -> None:
    """Give a working copy this one's schema, and an environment of its own."""
    shutil.rmtree(copy / "migrations")
    shutil.copytree(ROOT / "migrations", copy / "migrations")
    # Links, as the environment has a gigabyte; a file that is changed below becomes another one.
    shutil.copytree(ROOT / ".venv", copy / ".venv", symlinks=True, copy_function=_link)
    for file in _files_with_paths(copy / ".venv"):
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        if str(ROOT) in text:
            mode = file.stat().st_mode
            file.unlink()
            file.write_text(
                text.replace(str(ROOT), str(copy)), encoding="utf-8", errors="surrogateescape"
            )
            file.chmod(mode)
    for built in ("src/citewell/entrypoints/http/bundle", "web/openapi.json"):
        if (ROOT / built).is_dir():
            shutil.copytree(ROOT / built, copy / built, dirs_exist_ok=True)
        elif (ROOT / built).exists() and (copy / built).parent.is_dir():
            shutil.copyfile(ROOT / built, copy / built)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _files_with_paths(environment: Path) -> list[Path]:
    found = [environment / "pyvenv.cfg", *(environment / "bin").iterdir()]
    for packages in environment.glob("lib/python3*/site-packages"):
        found += [*packages.glob("*.pth"), *packages.glob("*citewell*/direct_url.json")]
    return [each for each in found if not each.is_symlink() and each.is_file() and _is_text(each)]


def _is_text(file: Path) -> bool:
    return file.stat().st_size <= TEXT_BYTES and b"\x00" not in file.read_bytes()


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Say which commit is the earlier release.")
    if not (ROOT / ".venv").is_dir():
        sys.exit("There is no .venv to run the tests with: make one by `make setup-dev`.")
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(USUAL)))
