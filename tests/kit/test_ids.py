import threading
import time
import uuid

from citewell.kit.ids import uuid7


class TestUuid7:
    def test_is_what_the_rfc_says(self) -> None:
        before = time.time_ns() // 1_000_000
        made = uuid7()
        after = time.time_ns() // 1_000_000
        assert made.version == 7
        assert made.variant == uuid.RFC_4122
        assert before <= made.int >> 80 <= after + 1

    def test_ids_increase_within_and_beyond_a_millisecond(self) -> None:
        made = [uuid7() for _ in range(50_000)]
        assert made == sorted(made)
        assert len(set(made)) == len(made)

    def test_threads_never_make_the_same(self) -> None:
        made: list[list[uuid.UUID]] = [[] for _ in range(4)]

        def work(own: list[uuid.UUID]) -> None:
            own.extend(uuid7() for _ in range(5_000))

        threads = [threading.Thread(target=work, args=(own,)) for own in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({one for own in made for one in own}) == 20_000
        assert all(own == sorted(own) for own in made)

    def test_clock_that_goes_back_does_not_take_the_ids_along(self, monkeypatch) -> None:
        first = uuid7()
        now = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: now - 60_000_000_000)
        assert uuid7() > first
