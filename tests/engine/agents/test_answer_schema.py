"""Schemas of answers: what is not known is refused with its place."""

from typing import Any

import pytest

from citewell.engine.agents.answer_schema import SchemaError, check_schema


class TestCheckSchema:
    def test_forms_of_json_schema_that_are_not_known_are_refused_in_words(self) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"properties": {"a": {"type": ["string", "null"]}}}, "`answer.a` needs a `type`"),
            ({"properties": {"a": {"type": {}}}}, "`answer.a` needs a `type`"),
            ({"required": [["a"]]}, "which it does not have"),
            ({"required": [{}]}, "which it does not have"),
        ]
        for more, told in cases:
            with pytest.raises(SchemaError, match=told):
                check_schema({"type": "object", **more})
