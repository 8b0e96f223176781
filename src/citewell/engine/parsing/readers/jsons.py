"""JSON and JSON lines: records as lines of `name: value`, lists of flat records as tables."""

import json
from collections.abc import Iterator
from typing import Any, cast

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.encoding import decoded_chunks, read_lines
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.readers.text import choose_file_encoding

_TITLES = ("title", "name", "subject")


def read(source: ReaderInput) -> Reading:
    """Begin to read a JSON file."""
    encoding = choose_file_encoding(source)
    if source.format is DocumentFormat.JSON_LINES:
        return Reading(DocumentInfo(source.mime_type), _record_lines(source, encoding))
    # Whole, as the standard parser does not stream; the child's memory limit bounds the file.
    text = "".join(_text(source, encoding)).lstrip("\ufeff")
    try:
        value = _loaded(text)
    except json.JSONDecodeError as error:
        raise ParseError(
            ParseFailure.CORRUPT, f"The file is no valid JSON: {error.msg} in line {error.lineno}."
        ) from error
    record = cast(dict[str, object], value) if _is_record(value) else {}
    title = next((text for key in _TITLES if isinstance(text := record.get(key), str)), None)
    return Reading(DocumentInfo(source.mime_type, title=title), _walk(value, 1))


def _loaded(text: str) -> object:
    """The value of a text. Numbers stay as they are written: 0.10 is no 0.1 to those who look."""
    return json.loads(text, parse_float=str, parse_int=str)


def _text(source: ReaderInput, encoding: str) -> Iterator[str]:
    with source.path.open("rb") as file:
        yield from decoded_chunks(file, encoding)


def _record_lines(source: ReaderInput, encoding: str) -> Iterator[Block]:
    for number, line in enumerate(read_lines(source.path, encoding, longest=8_000_000), 1):
        if not line.strip():
            continue
        try:
            value = _loaded(line)
        except json.JSONDecodeError as error:
            raise ParseError(
                ParseFailure.CORRUPT, f"Line {number} of the file is no valid JSON: {error.msg}."
            ) from error
        yield from _walk(value, 1)


def _walk(value: object, level: int) -> Iterator[Block]:
    if isinstance(value, dict):
        yield from _record(cast(dict[str, Any], value), level)
    elif isinstance(value, list):
        yield from _list(cast(list[Any], value), level)
    elif value is not None:
        yield Block(BlockKind.PARAGRAPH, _plain(value))


def _record(record: dict[str, Any], level: int) -> Iterator[Block]:
    flat = [f"{key}: {_plain(value)}" for key, value in record.items() if _is_plain(value)]
    if flat:
        yield Block(BlockKind.PARAGRAPH, "\n".join(flat))
    for key, value in record.items():
        if value and not _is_plain(value):
            yield Block(BlockKind.HEADING, key, level=level)
            yield from _walk(value, level + 1)


def _list(values: list[Any], level: int) -> Iterator[Block]:
    records = [cast(dict[str, Any], value) for value in values if _is_record(value)]
    is_table = len(records) == len(values) > 1 and all(
        _is_plain(value) for record in records for value in record.values()
    )
    if not is_table:
        for value in values:
            if _is_plain(value):
                yield Block(BlockKind.LIST_ITEM, _plain(value))
            else:
                yield from _walk(value, level)
        return
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = ([_plain(record.get(name)) for name in names] for record in records)
    yield from table_blocks(_headed(names, rows))


def _headed(names: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield names
    yield from rows


def _is_record(value: object) -> bool:
    return isinstance(value, dict)


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
