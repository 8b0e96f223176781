"""Reads a retrieval set: a folder of `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from citewell.engine.errors import EngineError

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
JUDGEMENTS = "qrels.tsv"

Judgements = dict[str, dict[str, int]]
"""Query id -> document id -> grade."""


class DatasetError(EngineError):
    """A file of the set cannot be read; the message names file and line."""

    def __init__(self, path: Path, problem: str, line: int | None = None) -> None:
        place = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {problem}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class EvaluationDocument:
    """One document of the corpus; title and text may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EvaluationQuery:
    """One question."""

    id: str
    text: str


def read_corpus(folder: Path) -> Iterator[EvaluationDocument]:
    """Yield the documents one by one.

    Raises:
        DatasetError: The file is missing, or a line is malformed or repeats an id.
    """
    path = folder / CORPUS
    for line, record in _records(path):
        yield EvaluationDocument(
            id=_field(path, line, record, "id"),
            title=_field(path, line, record, "title", default=""),
            text=_field(path, line, record, "text", may_be_empty=True),
        )


def read_queries(folder: Path) -> Iterator[EvaluationQuery]:
    """Yield the questions one by one.

    Raises:
        DatasetError: As `read_corpus`.
    """
    path = folder / QUERIES
    for line, record in _records(path):
        yield EvaluationQuery(
            id=_field(path, line, record, "id"), text=_field(path, line, record, "text")
        )


def read_judgements(folder: Path) -> Judgements:
    """Return the grades of all questions; a first line without a number is the header.

    Raises:
        DatasetError: The file is missing, empty or malformed.
    """
    path = folder / JUDGEMENTS
    judgements: Judgements = {}
    for line, text in _lines(path):
        fields = [field.strip() for field in text.split("\t")]
        if len(fields) != 3 or not all(fields):
            raise DatasetError(path, "needs query_id, corpus_id and grade, tab-separated", line)
        query, document, grade = fields
        try:
            value = int(grade)
        except ValueError:
            if line == 1:
                continue
            raise DatasetError(path, f"grade {grade!r} is no whole number", line) from None
        judgements.setdefault(query, {})[document] = value
    if not judgements:
        raise DatasetError(path, "holds no judgements")
    return judgements


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield number, text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DatasetError(path, f"is not UTF-8: {error.reason}") from error
    except OSError as error:
        raise DatasetError(path, error.strerror or "cannot be read") from error


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the objects of a file of JSON lines, with the numbers of their lines.

    Raises:
        DatasetError: The file is missing, or a line is no JSON object.
    """
    for line, text in _lines(path):
        try:
            value: object = json.loads(text)
        except ValueError as error:
            raise DatasetError(path, f"is not JSON: {error}", line) from error
        if not isinstance(value, dict):
            raise DatasetError(path, "is not a JSON object", line)
        yield line, cast("dict[str, object]", value)


def _records(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    seen: set[str] = set()
    for line, record in read_objects(path):
        identifier = _field(path, line, record, "id")
        if identifier in seen:
            raise DatasetError(path, f"repeats the id {identifier!r}", line)
        seen.add(identifier)
        yield line, record


def _field(
    path: Path,
    line: int,
    record: dict[str, object],
    name: str,
    default: str | None = None,
    *,
    may_be_empty: bool = False,
) -> str:
    value = record.get(name, default)
    if isinstance(value, int) and name == "id" and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (value or may_be_empty or default is not None):
        raise DatasetError(path, f"needs a text in {name!r}", line)
    return value
