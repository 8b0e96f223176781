"""Size of a default install on disk: the distributions of `requirements/base.txt`, and pip."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from bench.options import ROOT
from bench.peer_process import environment_of
from bench.report import Row

MB = 2**20
_REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)


def measure() -> tuple[list[Row], list[str]]:
    """Add up the files of what running needs, and of Citewell itself."""
    lock = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    sizes: dict[str, int] = {}
    for name in [*_REQUIREMENT.findall(lock), "pip"]:
        try:
            sizes[name] = _size(distribution(name))
        except PackageNotFoundError:
            continue  # of another platform
    sizes["citewell"] = _size_of_folder(ROOT / "src")
    total = sum(sizes.values()) / MB
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:4]
    shown = ", ".join(f"{name} {size / MB:.0f}" for name, size in largest)
    beside = shown
    peer = environment_of("langchain")
    if (peer / ".lock").is_file():
        beside = f"{_size_of_folder(peer) / MB:,.0f} MB, LangChain + Chroma"
    row = Row("install size", f"{total:.0f} MB", beside, "", "<= 500 MB", total <= 500)
    return [row], [f"Largest parts of the install, in MB: {shown}."]


def _size(package: Distribution) -> int:
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def _size_of_folder(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files if not path.is_symlink())
