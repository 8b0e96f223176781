"""Spans of statements; values are bound and never in them."""

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, event

from citewell.kit.spans import Value, recorder

MOST_TEXT = 2_000
"""Characters of statements that a span tells: enough to know them by."""


def told(statements: Iterable[str]) -> dict[str, Value]:
    """Attributes of a span of statements."""
    texts = [" ".join(statement.split()) for statement in statements]
    return {
        "db.system.name": "postgresql",
        "db.operation.batch.size": len(texts),
        "db.query.text": "; ".join(texts)[:MOST_TEXT],
    }


def watch(engine: Engine) -> None:
    """Make a span of each statement that goes through SQLAlchemy."""

    def begin(_connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any,
              _many: bool) -> None:  # fmt: skip
        context.citewell_began = time.perf_counter()

    def end(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any,
            _many: bool) -> None:  # fmt: skip
        if (spans := recorder()) is not None:
            values = told([statement]) if spans.tells_statements else {}
            spans.add("sql", time.perf_counter() - context.citewell_began, values)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
