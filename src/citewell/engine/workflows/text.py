"""A workflow's text, YAML or JSON, as plain values that remember their lines.

JSON is read as the YAML that it is. Scalars follow YAML 1.2 (`yes` and `09:30` are text), there
are no aliases and no tags: both let a short text stand for a huge or foreign one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import yaml
from pydantic import JsonValue
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from citewell.engine.workflows.problems import WorkflowProblem, WorkflowSpecError
from citewell.kit.storable import require_storable_text

MAX_CHARS = 64_000
"""A hundred nodes of 600 characters; the reader takes about a second for it."""

MAX_NESTING = 30
"""Levels of the text; the reader recurses once for each."""

PathParts = tuple[str | int, ...]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, JsonValue] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkflowText:
    """The values of a text, and where they stand."""

    value: JsonValue
    lines: dict[PathParts, int] = field(default_factory=dict[PathParts, int])

    def problem(self, path: Sequence[str | int], message: str) -> WorkflowProblem:
        """A fault at the deepest place of the path that the text has.

        Parts that the text does not have are left out: a model's location also names the variant
        of a union that was tried.
        """
        known: PathParts = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return WorkflowProblem(self.lines.get(known, 1), ".".join(map(str, known)), message)


def read_source(text: str) -> WorkflowText:
    """The values of a YAML or JSON text.

    Raises:
        WorkflowSpecError: It is neither, or too long.
    """
    if len(text) > MAX_CHARS:
        raise WorkflowSpecError([_at(0, f"longer than {MAX_CHARS:,} characters")])
    try:
        events = cast(Iterator[Event], yaml.parse(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType] - its stub names no types
        reader = _Reader(events)
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = error.problem or "not readable"
        raise WorkflowSpecError([_at(mark.line if mark else 0, f"no YAML: {problem}")]) from None
    except yaml.YAMLError as error:
        raise WorkflowSpecError([_at(0, f"no YAML: {error}")]) from None
    return WorkflowText(value, reader.lines)


class _Reader:
    """Makes values of the events of one document."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self.lines: dict[PathParts, int] = {}

    def document(self) -> JsonValue:
        for event in self._events:
            if isinstance(event, NodeEvent):
                value = self._value(event, ())
                if any(isinstance(each, NodeEvent) for each in self._events):
                    raise WorkflowSpecError([_at(0, "one document only; remove the `---` line")])
                return value
        raise WorkflowSpecError([_at(0, "the text is empty; it needs `name` and `nodes`")])

    def _value(self, event: Event, path: PathParts) -> JsonValue:
        line = event.start_mark.line
        if len(path) > MAX_NESTING:
            raise WorkflowSpecError([_at(line, f"nested more than {MAX_NESTING} levels deep")])
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise WorkflowSpecError([_at(line, "anchors and aliases (`*name`) cannot be used")])
        if getattr(event, "tag", None) is not None:
            raise WorkflowSpecError([_at(line, "tags (`!name`) cannot be used")])
        self.lines.setdefault(path, line + 1)
        if isinstance(event, SequenceStartEvent):
            return self._list(path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        assert isinstance(event, ScalarEvent)
        return _scalar(_storable(event), is_plain=event.style is None)

    def _list(self, path: PathParts) -> list[JsonValue]:
        made: list[JsonValue] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            made.append(self._value(event, (*path, len(made))))
        return made

    def _mapping(self, path: PathParts) -> dict[str, JsonValue]:
        made: dict[str, JsonValue] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            line = event.start_mark.line
            if not isinstance(event, ScalarEvent):
                raise WorkflowSpecError([_at(line, "a key must be text")])
            name = _storable(event)
            if name in made:
                raise WorkflowSpecError([_at(line, f"`{name}` stands here twice; remove one")])
            self.lines[(*path, name)] = line + 1
            made[name] = self._value(next(self._events), (*path, name))
        return made


def _storable(event: ScalarEvent) -> str:
    # Escapes such as "\\0" make characters that the text itself cannot hold.
    try:
        return require_storable_text(str(event.value))
    except ValueError as error:
        raise WorkflowSpecError([_at(event.start_mark.line, str(error))]) from None


def _scalar(text: str, *, is_plain: bool) -> JsonValue:
    if not is_plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return float(text) if any(each in text for each in ".eE") else int(text)
    return text


def _at(line: int, message: str) -> WorkflowProblem:
    return WorkflowProblem(line + 1, "", message)
