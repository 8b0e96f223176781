import math

import pytest

from citewell.kit.storable import require_storable_json, require_storable_text


class TestText:
    @pytest.mark.parametrize("text", ["", "ngày nghỉ", "\U0001f642", "\t\n\x01", "\ufffe"])
    def test_what_postgresql_keeps_is_returned(self, text: str) -> None:
        assert require_storable_text(text) is text

    @pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "x\udfff", "\ud83d\ude42"])
    def test_what_it_cannot_keep_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="NUL"):
            require_storable_text(text)


class TestJson:
    def test_nested_value_is_returned(self) -> None:
        value = {"a": [1, 2.5, None, True, {"b": "c"}]}
        assert require_storable_json(value) is value

    @pytest.mark.parametrize(
        "value",
        ["\x00", ["\ud800"], {"\x00": 1}, {"a": {"b": ["x", "\x00"]}}, math.nan, [math.inf]],
    )
    def test_any_bad_part_is_refused(self, value) -> None:
        with pytest.raises(ValueError, match=r"NUL|finite"):
            require_storable_json(value)

    def test_depth_does_not_matter(self) -> None:
        value: list = []
        for _ in range(100_000):
            value = [value]
        assert require_storable_json(value) is value
        while value:  # freed from the outside: a deep list would end the interpreter
            value = value[0]
