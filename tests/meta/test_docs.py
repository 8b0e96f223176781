"""The guides name everything there is, and nothing that is not."""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.core.settings import PREFIX, Settings
from citewell.engine.parsing.base import ParseFailure
from citewell.engine.parsing.formats import FORMATS
from citewell.engine.parsing.limits import MIB, ParseLimits
from citewell.entrypoints.cli import COMMANDS as TOP_COMMANDS
from citewell.entrypoints.cli import load
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.middleware import DOCUMENT_BODY_BYTES
from citewell.features.documents.service import MAX_CONTENT_STRETCH
from citewell.features.ingestion import errors as ingestion_errors
from citewell.features.search.schemas import MAX_QUERY_CHARS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = [
    *(ROOT / name for name in ("README.md", "AGENTS.md", "CHANGELOG.md", "samples/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "bench").glob("*.md")),
]

METHOD = r"GET|POST|PUT|PATCH|DELETE"
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
ON_BOTH = {"--help"}


def guide(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Text below each heading, by the heading as written."""
    parts = re.split(r"^#{1,6} (.+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors(text: str) -> set[str]:
    """Names under which a page's headings can be linked to."""
    headings = re.findall(r"^#{1,6} (.+)$", text, flags=re.M)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


def leaves(commands: Mapping[str, Any], path: str) -> Iterator[tuple[str, set[str]]]:
    """Every command with its long options."""
    for name, inner in commands.items():
        full = f"{path} {name}"
        if isinstance(inner, typer.core.TyperGroup):
            yield from leaves(inner.commands, full)
        else:
            long = {
                option
                for parameter in inner.params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            yield full, {option for option in long if option.startswith("--")} - ON_BOTH


COMMANDS = dict(leaves({name: load(name) for name in TOP_COMMANDS}, "citewell"))


def no_platform() -> AbstractAsyncContextManager[Platform]:
    raise AssertionError("the description of the API needs no platform")


@cache
def routes() -> frozenset[str]:
    paths = create_app(Settings(_env_file=None), no_platform).openapi()["paths"]
    return frozenset(
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
    )


class TestSettings:
    def rows(self) -> dict[str, str]:
        found = re.findall(rf"^\| `({PREFIX}\w+)` \| (.+?) \|", guide("settings.md"), re.M)
        return dict(found)

    def test_every_setting_has_a_row(self) -> None:
        assert set(self.rows()) == {PREFIX + name.upper() for name in Settings.model_fields}

    def test_the_default_is_the_real_one(self) -> None:
        rows = self.rows()
        for name, field in Settings.model_fields.items():
            is_unset = field.default is None or field.default == ()
            expected = "unset" if is_unset else f"`{field.default}`"
            assert rows[PREFIX + name.upper()] == expected, name

    def test_no_page_names_a_setting_that_is_not(self) -> None:
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        for page in PAGES:
            named = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", page.read_text(encoding="utf-8")))
            assert named <= known, page


class TestCommandLine:
    def test_every_command_has_a_section(self) -> None:
        headings = re.findall(r"^## `(citewell [\w -]+)`$", guide("command-line.md"), re.M)
        assert sorted(headings) == sorted(COMMANDS)

    def test_the_section_names_the_options_there_are(self) -> None:
        written = sections(guide("command-line.md"))
        for command, options in COMMANDS.items():
            told = set(re.findall(r"--[a-z][a-z-]+", written[f"`{command}`"]))
            assert told == options, command


class TestApi:
    def test_every_route_has_a_section(self) -> None:
        headings = re.findall(rf"^### `((?:{METHOD}) \S+)`$", guide("api.md"), re.M)
        assert sorted(headings) == sorted(routes())

    def test_no_page_names_a_route_that_is_not(self) -> None:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            named = set(re.findall(rf"`((?:{METHOD}) /[^\s`?]+)", text))
            assert {route.replace("/api/v1", "") for route in named} <= routes(), page

    def test_every_error_code_is_told(self) -> None:
        told = set(re.findall(r"`([a-z_]+)`", sections(guide("api.md"))["Errors"]))
        kinds, codes = [AppError], set[str]()
        while kinds:
            kind = kinds.pop()
            kinds += kind.__subclasses__()
            codes.add(kind.code)
        assert codes - {AppError.code} <= told


class TestFormats:
    def test_every_extension_is_listed(self) -> None:
        listed = set(re.findall(r"`(\.\w+)`", sections(guide("formats-and-limits.md"))["Formats"]))
        assert listed == {extension for facts in FORMATS.values() for extension in facts.extensions}

    def test_limits_are_the_real_ones(self) -> None:
        text = sections(guide("formats-and-limits.md"))["Limits"]
        limits = ParseLimits()
        for told in (
            f"| {Settings(_env_file=None).max_upload_bytes // MIB} MiB (",
            f"| {limits.memory_bytes // MIB // 1024} GiB |",
            f"| {limits.cpu_seconds} s, {limits.wall_seconds:g} s |",
            f"| {limits.text_chars:,} characters |",
            f"| {limits.unpacked_bytes // MIB // 1024} GiB, {limits.archive_entries:,} parts |",
            f"| {DOCUMENT_BODY_BYTES // MIB} MiB |",
            f"| {MAX_QUERY_CHARS:,} characters |",
            f"| {MAX_CONTENT_STRETCH:,} characters |",
        ):
            assert told in text

    def test_every_reason_is_told(self) -> None:
        text = sections(guide("formats-and-limits.md"))["Why a document failed"]
        told = set(re.findall(r"^\| `(\w+)`", text, re.M))
        codes = {value for name, value in vars(ingestion_errors).items() if name.isupper()}
        assert told == codes | {str(failure) for failure in ParseFailure}


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
    def test_every_relative_link_leads_somewhere(self, page: Path) -> None:
        broken: list[str] = []
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            there = (page.parent / name).resolve() if name else page
            if not there.exists() or (
                anchor and anchor not in anchors(there.read_text(encoding="utf-8"))
            ):
                broken.append(target)
        assert broken == []


class TestDecisions:
    RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

    def test_numbers_follow_each_other(self) -> None:
        numbers = [int(path.name[:4]) for path in self.RECORDS]
        assert numbers == list(range(1, len(numbers) + 1))

    @pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
    def test_form(self, record: Path) -> None:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {record.name[:4]}: ")
        assert len(text.splitlines()) <= 60
        assert {"Context", "Decision", "Consequences", "Figures"} <= set(sections(text))
        assert record.name in (record.parent / "README.md").read_text(encoding="utf-8")
