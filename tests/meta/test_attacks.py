"""The list of attacks names tests that exist, and the guide says what it says."""

import ast
from pathlib import Path

from tests.attacks import ATTACKS, as_table

ROOT = Path(__file__).resolve().parents[2]


def names_in(file: str) -> set[str]:
    """Classes and tests of a file, methods as `Class::test`."""
    found = set[str]()
    for node in ast.parse((ROOT / file).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return found


def test_every_replay_exists() -> None:
    assert len(ATTACKS) == 16
    for attack in ATTACKS:
        assert attack.tests
        for name in attack.tests:
            file, _, part = name.partition("::")
            assert (ROOT / file).is_file(), name
            assert not part or part in names_in(file), name


def test_the_guide_has_the_table() -> None:
    guide = (ROOT / "docs" / "guide" / "security.md").read_text("utf-8")
    assert as_table() in guide, "write as_table() of tests/attacks.py into the guide"
