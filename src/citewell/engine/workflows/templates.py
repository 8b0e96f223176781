"""Values of a workflow with references to inputs and outputs: `{{ inputs.topic }}`.

A reference is a path, nothing else: no calls, no operators. What it is replaced by is not looked
at again, so text of documents cannot refer to anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, JsonValue

from citewell.engine.workflows.problems import WorkflowStepError

MAX_RENDERED_CHARS = 400_000
"""Characters of one value once it is filled in: ten times an agent's longest report."""

_REFERENCE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]{1,100})*)\s*\}\}")

Reference = tuple[str, ...]
Values = Mapping[str, JsonValue]
"""Values by the first part of a path: `inputs`, each node that has ended, `item` and `index`."""


def require_well_formed(text: str) -> str:
    """Return the text itself.

    Raises:
        ValueError: It has braces that are no reference.
    """
    rest = _REFERENCE.sub("", text)
    if "{{" in rest or "}}" in rest:
        raise ValueError(
            "`{{ }}` takes a path like `inputs.topic` or `search.output.passages`, nothing else"
        )
    return text


def _require_all(value: JsonValue) -> JsonValue:
    for text in _texts(value):
        require_well_formed(text)
    return value


Template = Annotated[str, AfterValidator(require_well_formed)]
TemplateJson = Annotated[JsonValue, AfterValidator(_require_all)]


def references(value: JsonValue) -> list[Reference]:
    """The references of a value, in their order."""
    found: list[Reference] = []
    for text in _texts(value):
        found += [tuple(each.split(".")) for each in _REFERENCE.findall(text)]
    return found


def _texts(value: JsonValue) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            waiting = [*item, *waiting]
        elif isinstance(item, dict):
            waiting = [*item.values(), *waiting]


def fill(value: JsonValue, values: Values) -> JsonValue:
    """The value with its references replaced.

    A text that is one reference becomes what that refers to, of any type; within other text it is
    written out. What is not there is null, and nothing in a text.

    Raises:
        WorkflowStepError: The result is too long.
    """
    return _fill(value, values, [MAX_RENDERED_CHARS])


def fill_inputs(value: JsonValue, inputs: Mapping[str, JsonValue]) -> JsonValue:
    """The value with its references to inputs replaced; those to nodes stay as they are."""
    if isinstance(value, list):
        return [fill_inputs(each, inputs) for each in value]
    if isinstance(value, dict):
        return {key: fill_inputs(each, inputs) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    known: Values = {"inputs": dict(inputs)}

    def replaced(match: re.Match[str]) -> str:
        is_input = match[1].partition(".")[0] == "inputs"
        return written(_look_up(match[1], known)) if is_input else match[0]

    return _REFERENCE.sub(replaced, value)


def _fill(value: JsonValue, values: Values, left: list[int]) -> JsonValue:
    if isinstance(value, list):
        return [_fill(each, values, left) for each in value]
    if isinstance(value, dict):
        return {key: _fill(each, values, left) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value.strip())
    if whole is not None:
        found = _look_up(whole[1], values)
        _take(left, written(found))
        return found
    text = _REFERENCE.sub(lambda match: written(_look_up(match[1], values)), value)
    _take(left, text)
    return text


def fill_text(template: str, values: Values) -> str:
    """The same as text."""
    return written(fill(template, values))


def written(value: JsonValue) -> str:
    """A value within text: text as it is, null as nothing, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _take(left: list[int], text: str) -> None:
    left[0] -= len(text)
    if left[0] < 0:
        raise WorkflowStepError(
            f"With its references filled in, a value is longer than {MAX_RENDERED_CHARS:,} "
            "characters. Refer to a part of the output only."
        )


def _look_up(path: str, values: Values) -> JsonValue:
    first, *rest = path.split(".")
    found = values.get(first)
    for part in rest:
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and len(part) < 7:
            found = found[int(part)] if int(part) < len(found) else None
        else:
            return None
    return found
