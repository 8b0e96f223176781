import json
from datetime import UTC

import pytest

from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.pagination import Page, PageRequest
from citewell.kit.sse import encode_event


class TestClock:
    def test_now_has_its_zone(self) -> None:
        assert utc_now().tzinfo is UTC

    def test_stages_add_up_to_no_more_than_the_total(self) -> None:
        watch = Stopwatch()
        for stage in ("parse", "embed", "parse"):
            sum(range(20_000))
            watch.lap(stage)
        timings = watch.finish()
        assert set(timings) == {"parse", "embed", "total"}
        assert all(value > 0 for value in timings.values())
        assert timings["parse"] + timings["embed"] <= timings["total"] + 0.01


class TestPagination:
    @pytest.mark.parametrize(("page", "limit", "offset"), [(1, 20, 0), (2, 20, 20), (5, 100, 400)])
    def test_offset_counts_from_the_first_page(self, page: int, limit: int, offset: int) -> None:
        assert PageRequest(page, limit).offset == offset

    @pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (20, 1), (21, 2), (100, 5)])
    def test_empty_list_has_a_first_page(self, total: int, pages: int) -> None:
        assert Page([], PageRequest(1, 20), total).total_pages == pages


class TestEvents:
    @pytest.mark.parametrize(
        "data", [{"text": "two\nlines\r\n\n"}, "a\u2028b", ["ngày nghỉ", None], {"event: x": 1}]
    )
    def test_event_is_one_block_whatever_its_data(self, data: object) -> None:
        encoded = encode_event("token", data).decode()
        assert encoded.endswith("\n\n")
        assert encoded.count("\n") == 3
        event, line = encoded.rstrip("\n").split("\n")
        assert event == "event: token"
        assert json.loads(line.removeprefix("data: ")) == data
