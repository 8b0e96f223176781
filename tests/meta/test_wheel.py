"""The wheel holds what an installation needs; `tests/entrypoints/test_wheel.py` starts one."""

import subprocess
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "src/citewell/entrypoints/http/bundle"


def in_wheel() -> set[str]:
    builder = WheelBuilder(str(ROOT))
    forced = builder.config.get_force_include()
    files = [*builder.recurse_included_files(), *builder.recurse_forced_files(forced)]
    return {each.distribution_path for each in files}


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", folder], capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


def test_wheel_holds_sources_data_migrations_and_the_web_application() -> None:
    found = in_wheel()
    sources = {name.removeprefix("src/") for name in tracked("src/citewell")}
    revisions = {f"citewell/_{name}" for name in tracked("migrations")}
    built = {str(Path("citewell/entrypoints/http/bundle", path.relative_to(BUNDLE)))
             for path in BUNDLE.rglob("*") if path.is_file()}  # fmt: skip
    assert sources
    assert revisions
    assert sources | revisions | built <= found
    # Nothing else of a working copy, such as byte code or what an editor left.
    assert {name.partition("/")[0] for name in found} == {"citewell"}
    assert not [name for name in found if name.endswith((".pyc", "~"))]
