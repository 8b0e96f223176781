"""The rules of the house that no single tool checks (see AGENTS.md)."""

import ast
import gc
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

import pytest

import citewell.models
from citewell.core.database.base import Base, TenantScoped
from citewell.models.tenancy import Tenant

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "citewell"
TESTS = ROOT / "tests"

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
MAX_BROAD_EXCEPTS = 4
RIDDLE = re.compile(r"(?:Who|What)(?:ever)? ")
"""A docstring that begins so names its subject last: "What the caller may find" for a scope."""
WEB_RIDDLE = re.compile(r"\s*(?://|/?\*\*?) (?:Who|What)(?:ever)? ")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}

# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("proxy", "golang", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.:~$})/-])/(?:home|root|Users|work|opt|mnt|srv)/\w")

FEW = frozenset(("language", "name"))
"""Parameters that have few values: languages, encodings."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_cached_without_bound(node: Function) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "cache" for one in node.decorator_list)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), shown(path))


TOLD_OF = (*Function.__args__, ast.ClassDef, ast.ExceptHandler)


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Nodes that rules are about, found once: a walk through all sources takes seconds."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, TOLD_OF) or is_text(node)]


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.fixture(scope="module", autouse=True)
def trees_are_forgotten() -> Iterator[None]:
    """All sources are read once, and are some hundred megabytes, none of them garbage meanwhile."""
    gc.disable()
    yield
    gc.enable()
    for made in (tells, is_fixture, nodes, parsed):
        made.cache_clear()


def functions(path: Path) -> Iterator[Function]:
    for node in nodes(path):
        if isinstance(node, Function):
            yield node


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that git would publish, as far as it is text."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8", "replace")


def run_tool(*command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


class TestTools:
    def test_import_contracts_hold(self) -> None:
        script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        result = subprocess.run(
            [sys.executable, "-c", script, "--no-logo"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]

    def test_ruff_finds_nothing(self) -> None:
        run_tool("ruff", "check", "--no-cache", "--output-format", "concise", ".")

    def test_everything_is_formatted(self) -> None:
        run_tool("ruff", "format", "--no-cache", "--check", ".")


class TestSizes:
    def test_files_are_short(self) -> None:
        lengths = {
            shown(path): len(path.read_text(encoding="utf-8").splitlines())
            for path in [*python_files(SOURCE), *python_files(TESTS)]
        }
        assert {name: n for name, n in lengths.items() if n > MAX_FILE_LINES} == {}

    def test_functions_are_short(self) -> None:
        lengths = {
            f"{shown(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
            for path in python_files(SOURCE)
            for node in functions(path)
        }
        assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}

    def test_modules_are_named_for_what_they_hold(self) -> None:
        vague = [
            shown(path)
            for path in SOURCE.rglob("*")
            if path.stem in VAGUE_NAMES and (path.is_dir() or path.suffix == ".py")
        ]
        assert vague == []


class TestNames:
    def test_what_is_cached_without_bound_has_few_keys(self) -> None:
        """A word of any text as the key makes a server grow for as long as it answers."""
        found = [
            f"{shown(path)}:{node.lineno} {node.name}({argument.arg})"
            for path in python_files(SOURCE)
            for node in ast.walk(parsed(path))
            if isinstance(node, Function) and is_cached_without_bound(node)
            for argument in (*node.args.args, *node.args.kwonlyargs)
            if isinstance(argument.annotation, ast.Name)
            and argument.annotation.id in ("str", "bytes")
            and argument.arg not in FEW
        ]
        assert found == []

    def test_no_two_classes_share_a_name(self) -> None:
        """A name stands for one thing in the whole of `src`; names that begin with `_` are free."""
        places: dict[str, list[str]] = {}
        for path in python_files(SOURCE):
            for node in nodes(path):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(f"{shown(path)}:{node.lineno}")
        shared = {name: found for name, found in places.items() if len(found) > 1}
        assert shared == {}


class TestProse:
    def test_docstrings_and_comments_begin_with_their_subject(self) -> None:
        riddles = [
            f"{shown(path)}:{line} {words[:60]}"
            for folder in (SOURCE, TESTS, ROOT / "migrations", ROOT / "tools", ROOT / "bench")
            for path in python_files(folder)
            for line, words in [*docstrings(path), *comments(path)]
            if RIDDLE.match(words)
        ]
        assert riddles == []

    def test_comments_of_the_web_application_do_so_too(self) -> None:
        riddles = [
            f"{name}:{number} {line.strip()[:60]}"
            for name, text in tracked_texts()
            if name.startswith("web/") and name.endswith((".ts", ".tsx"))
            for number, line in enumerate(text.splitlines(), 1)
            if WEB_RIDDLE.match(line)
        ]
        assert riddles == []


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string that stands for itself, so also those below attributes."""
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value).strip()


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of the first line of every comment that has its lines to itself."""
    before = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        bare = line.strip()
        if bare.startswith("# ") and not before.startswith("#"):
            yield number, bare.removeprefix("# ")
        before = bare


class TestBroadExcepts:
    def found(self) -> list[tuple[str, str]]:
        """Place and line of every handler that does not name what it catches, in groups or not."""
        return [
            (f"{shown(path)}:{node.lineno}", path.read_text("utf-8").splitlines()[node.lineno - 1])
            for path in python_files(SOURCE)
            for node in nodes(path)
            if isinstance(node, ast.ExceptHandler) and self.is_broad(node.type)
        ]

    @staticmethod
    def is_broad(caught: ast.expr | None) -> bool:
        if isinstance(caught, ast.Tuple):
            return any(TestBroadExcepts.is_broad(part) for part in caught.elts)
        return caught is None or (
            isinstance(caught, ast.Name)
            and caught.id in {"Exception", "BaseException", "ExceptionGroup", "BaseExceptionGroup"}
        )

    def test_only_at_the_boundaries(self) -> None:
        assert len(self.found()) <= MAX_BROAD_EXCEPTS, self.found()

    def test_each_says_why(self) -> None:
        unexplained = [place for place, line in self.found() if not re.search(r"#.*\w{3}", line)]
        assert unexplained == []


class TestModels:
    def test_every_table_belongs_to_a_tenant(self) -> None:
        for module in pkgutil.iter_modules(citewell.models.__path__, "citewell.models."):
            importlib.import_module(module.name)
        tables = {mapper.class_ for mapper in Base.registry.mappers}
        assert len(tables) > 5
        unscoped = {table for table in tables if not issubclass(table, TenantScoped)}
        assert unscoped == {Tenant}


class TestPublishedFiles:
    def test_no_registry_host_is_named(self) -> None:
        found = [
            f"{name}: {host}"
            for name, text in tracked_texts()
            for host in REGISTRY_HOSTS
            if host in text
        ]
        assert found == []

    def test_no_path_of_one_machine_is_named(self) -> None:
        found = [
            f"{name}: {match[0]}"
            for name, text in tracked_texts()
            if not name.endswith((".jsonl", "tokenizer.json"))
            for match in MACHINE_PATH.finditer(text)
        ]
        assert found == []


LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS)
    def test_every_pin_has_hashes(self, name: str) -> None:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        blocks = re.split(r"\n(?=\S)", text.strip())
        pins = [block for block in blocks if not block.startswith("#")]
        assert pins
        for pin in pins:
            assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", pin), pin
            assert "--hash=sha256:" in pin, pin

    @pytest.mark.parametrize("name", LOCKS)
    def test_no_index_is_named(self, name: str) -> None:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert re.findall(r"://|--index|--extra-index|--find-links|^-[if]\b", text, re.M) == []


class TestTests:
    def test_every_test_can_fail(self) -> None:
        """Each has an assertion or a time limit, or calls a function of the tests that has one."""
        known = [(path, node) for path in python_files(TESTS) for node in functions(path)]
        checking: set[str] = set()
        open_ones = [node for _, node in known]
        while found := {node.name for node in open_ones if asserts(node, checking)}:
            checking |= found
            open_ones = [node for node in open_ones if node.name not in checking]
        toothless = [
            f"{shown(path)}:{node.lineno} {node.name}"
            for path, node in known
            if node.name.startswith("test_") and not asserts(node, checking)
        ]
        assert toothless == []


def last_name(called: ast.expr) -> str:
    """Name of a function that is called, without what it belongs to."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


CHECKS = frozenset({"raises", "warns", "fail", "timeout", "wait_for"})


def asserts(function: Function, checking: AbstractSet[str]) -> bool:
    """Whether something in the function can fail it, calls of `checking` included."""
    if is_fixture(function):
        return hands_out_a_check(function, checking)
    by_itself, called = tells(function)
    return by_itself or not called.isdisjoint(checking)


@cache
def is_fixture(function: Function) -> bool:
    return any(ast.unparse(one).startswith("pytest.fixture") for one in function.decorator_list)


@cache
def tells(function: Function) -> tuple[bool, AbstractSet[str]]:
    """Whether it can fail by itself, and the names it calls."""
    called: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True, called
        if isinstance(node, ast.Call):
            name = last_name(node.func)
            if name in CHECKS or name.startswith("assert_"):
                return True, called
            # `subprocess.run(..., check=True)`
            if any(
                key.arg == "check" and ast.unparse(key) == "check=True" for key in node.keywords
            ):
                return True, called
            called.add(name)
    return False, called


def hands_out_a_check(fixture: Function, checking: AbstractSet[str]) -> bool:
    """Whether a fixture's value is a function that asserts; its own assertions are set-up."""
    values = {
        ast.unparse(node.value)
        for node in ast.walk(fixture)
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None
    }
    return any(value in checking or value.startswith("assert_") for value in values)
