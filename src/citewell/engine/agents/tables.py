"""Queries over the tables of one file, by DuckDB, with nothing else in reach.

Runs in a confined child process (`core.compute`): no file, no network, no extension can be reached
from SQL, and memory, time and rows are bounded.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from citewell.engine.parsing.base import ParseError
from citewell.engine.parsing.sheets import Sheet, read_sheets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_LOADED_ROWS = 200_000
"""Rows of a sheet that are loaded."""

MAX_COLUMNS = 200
MAX_CELL_CHARS = 300
"""Characters of a cell in a result."""

SAMPLE_ROWS = 5
MEMORY = "160MB"
"""Limit of the engine; its child process has more, for reading the file."""

_TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP")
"""Tried for a column in this order; text if a value fits none."""

_NAME = re.compile(r"\W+")

# Codes such as 007 and phone numbers are no numbers.
_IS_CODE = r"^[+-]?0\d"

# A cast to a whole number rounds: 1.5 would become 2.
_IS_WHOLE = r"[+-]?\d{1,18}"


class TableAnswer(TypedDict):
    """Result of a query, or the reason why there is none."""

    tables: list[str]
    """Each with its columns, their types and the number of its rows."""
    columns: list[str]
    rows: list[list[str | None]]
    is_complete: bool
    error: str | None


def query_tables(
    path: str, filename: str, mime_type: str, statement: str, max_rows: int
) -> TableAnswer:
    """Load the sheets of a file as tables and answer one SELECT; without one a few rows of each.

    Args:
        path: The file.
        filename: As it was handed in.
        mime_type: Decides how it is read.
        statement: SQL; empty: the first rows of the first table.
        max_rows: Most rows of the result.
    """
    import duckdb  # noqa: PLC0415 - 70 MB, which the child process alone loads

    try:
        sheets = read_sheets(Path(path), filename, mime_type, MAX_LOADED_ROWS)
    except ParseError as error:
        return _failed([], error.message)
    options: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": MEMORY,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with duckdb.connect(":memory:", config=options) as connection:
        tables: list[str] = []
        first = ""
        for name, sheet in _named(sheets):
            tables.append(_load(connection, name, sheet))
            first = first or name
        # From here on SQL of a model runs: files, network and settings are out of its reach.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        if not first:
            return _failed([], "The file has no filled rows.")
        sample = f'SELECT * FROM "{first}" LIMIT {SAMPLE_ROWS}'  # noqa: S608 - a name of ours
        return _ask(connection, tables, statement.strip() or sample, max_rows)


def _ask(
    connection: "DuckDBPyConnection", tables: list[str], statement: str, max_rows: int
) -> TableAnswer:
    import duckdb  # noqa: PLC0415 - see above

    try:
        statements = connection.extract_statements(statement)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            return _failed(tables, "Write one SELECT.")
        result = connection.execute(statements[0])
        columns = [str(column[0]) for column in result.description or []]
        found = result.fetchmany(max_rows + 1)
    except duckdb.Error as error:
        return _failed(tables, str(error)[:1_000])
    return {
        "tables": tables,
        "columns": columns,
        "rows": [[_shown(cell) for cell in row] for row in found[:max_rows]],
        "is_complete": len(found) <= max_rows,
        "error": None,
    }


def _failed(tables: list[str], why: str) -> TableAnswer:
    return {"tables": tables, "columns": [], "rows": [], "is_complete": True, "error": why}


def _shown(cell: object) -> str | None:
    return None if cell is None else str(cell)[:MAX_CELL_CHARS]


def _named(sheets: Sequence[Sheet]) -> list[tuple[str, Sheet]]:
    """Names of tables: those of the sheets, in small letters, digits and `_`."""
    named: dict[str, Sheet] = {}
    for sheet in sheets:
        if sheet.rows:
            named[_unique(_NAME.sub("_", sheet.name.lower()).strip("_") or "data", named)] = sheet
    return list(named.items())


def _unique(name: str, taken: dict[str, Sheet] | Sequence[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _load(connection: "DuckDBPyConnection", name: str, sheet: Sheet) -> str:
    """Make a table of a sheet; returns its description."""
    columns: list[str] = []
    for cell in sheet.rows[0][:MAX_COLUMNS]:
        columns.append(_unique(" ".join(cell.split())[:100] or "column", columns))
    body = sheet.rows[1:]
    values = [[_cell(row, place) for row in body] for place in range(len(columns))]
    quoted = [f'"{column.replace(chr(34), chr(34) * 2)}"' for column in columns]
    parts = ", ".join(f"unnest(${n}::VARCHAR[]) AS {column}" for n, column in enumerate(quoted, 1))
    connection.execute(f"CREATE TEMP TABLE raw AS SELECT {parts}", values)
    kinds = [_kind(connection, column) for column in quoted]
    typed = ", ".join(
        column if kind == "VARCHAR" else f"TRY_CAST({column} AS {kind}) AS {column}"
        for column, kind in zip(quoted, kinds, strict=True)
    )
    connection.execute(f'CREATE TABLE "{name}" AS SELECT {typed} FROM raw')  # noqa: S608 - quoted
    connection.execute("DROP TABLE raw")
    told = ", ".join(f"{column} {kind}" for column, kind in zip(quoted, kinds, strict=True))
    return f'"{name}" ({told}), {len(body)} rows'


def _cell(row: Sequence[str], place: int) -> str | None:
    cell = row[place].strip() if place < len(row) else ""
    return cell or None


def _kind(connection: "DuckDBPyConnection", column: str) -> str:
    """The first type that all values of a column have."""
    casts = ", ".join(f"count(TRY_CAST({column} AS {kind}))" for kind in _TYPES[1:])
    counted = connection.execute(
        f"SELECT count({column}), count(*) FILTER (regexp_matches({column}, ?)), "  # noqa: S608 - quoted
        f"count(*) FILTER (regexp_full_match({column}, ?)), {casts} FROM raw",
        [_IS_CODE, _IS_WHOLE],
    ).fetchone()
    assert counted is not None
    filled, codes, *fitting = counted
    if not filled or codes:
        return "VARCHAR"
    return next(
        (kind for kind, fit in zip(_TYPES, fitting, strict=True) if fit == filled), "VARCHAR"
    )
