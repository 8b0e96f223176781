"""The wheel in an environment of its own: it migrates, serves and answers."""

import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from citewell.core.database.migrations import revisions
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def new_environment(folder: Path) -> Path:
    """The interpreter of an environment with the dependencies of this one, but not the product."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=PATIENCE
    )
    [site] = folder.glob("lib/python3*/site-packages")
    [ours] = [path for path in sys.path if path.endswith("site-packages")][:1]
    # A path alone: files of the other environment that lead to the sources are not followed.
    (site / "dependencies.pth").write_text(ours + "\n")
    return folder / "bin" / "python"


def install(python: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps",
           "--no-index", "--no-build-isolation", "--disable-pip-version-check"]  # fmt: skip
    subprocess.run([*pip, *what], check=True, timeout=PATIENCE)


def told(python: Path, code: str, folder: Path) -> str:
    done = subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE,
        cwd=folder,
    )  # fmt: skip
    return done.stdout.strip()


WHERE = "from citewell.core.database import migrations as m; print(m.migrations_folder())"


def test_wheel_serves_and_an_editable_install_finds_the_sources(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, timeout=PATIENCE, capture_output=True,
    )  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    python = new_environment(tmp_path / "wheel")
    install(python, str(wheel))
    folder = told(python, WHERE, tmp_path)
    assert folder.startswith(str(tmp_path / "wheel"))
    names = {path.name[:4] for path in Path(folder, "versions").glob("[0-9]*.py")}
    assert names == set(revisions())
    with zipfile.ZipFile(wheel) as packed:
        has_bundle = any("/http/bundle/" in name for name in packed.namelist())

    home = tmp_path / "home"
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith(("CITEWELL_", "PYTHON"))}  # fmt: skip
    with (tmp_path / "out").open("w") as out:
        server = subprocess.Popen(
            [str(python.with_name("citewell")), "serve", "--port", "0"],
            env=variables | {"CITEWELL_HOME": str(home)}, stdout=out, stderr=out, cwd=tmp_path,
        )  # fmt: skip
    try:
        address = waited_for(server, tmp_path / "out")
        ready = httpx.get(f"{address}/api/v1/health/ready", timeout=PATIENCE)
        assert ready.json() == {"status": "ok", "failing": []}
        page = httpx.get(address, timeout=PATIENCE)
        assert (page.status_code == 200 and "<script" in page.text) == has_bundle
    finally:
        server.terminate()
        assert server.wait(PATIENCE) == 0

    editable = new_environment(tmp_path / "editable")
    install(editable, "--editable", str(ROOT))
    assert told(editable, WHERE, tmp_path) == str(ROOT / "migrations")


def waited_for(server: subprocess.Popen[bytes], out: Path) -> str:
    """The server's address, once it says it and what to ask."""
    deadline = time.monotonic() + PATIENCE
    while True:
        said = out.read_text()
        found = re.search(r"Citewell answers on (http://\S+) ", said)
        if found and "Ask a question" in said:
            return found[1]
        assert server.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
