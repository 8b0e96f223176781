"""Topics and the queue of a reader, by themselves."""

import uuid

import pytest

from citewell.core.context import OPERATOR, Caller
from citewell.core.errors import UnavailableError
from citewell.features.events.errors import TooManyTopicsError, TooSlowError
from citewell.features.events.schemas import ChangeEvent, EventKind
from citewell.features.events.subscribers import MAX_BYTES, MAX_MESSAGES, Outbox, Subscriber
from citewell.features.events.topics import MAX_TOPICS, Topic, parse_topic

OWNER, DOCUMENT, JOB = (uuid.UUID(int=number) for number in (1, 2, 3))


def event(kind: EventKind, number: int = 10) -> ChangeEvent:
    about = DOCUMENT if kind is EventKind.DOCUMENT else JOB
    return ChangeEvent(number, kind, about, DOCUMENT, OWNER)


def subscriber() -> Subscriber:
    return Subscriber(Caller(uuid.UUID(int=9), OPERATOR), "secret")


class TestTopics:
    def test_each_covers_its_own(self) -> None:
        document, job = event(EventKind.DOCUMENT), event(EventKind.JOB)
        for name, covered in (
            (f"document:{DOCUMENT}", (True, True)),
            (f"document:{JOB}", (False, False)),
            ("user:me", (True, True)),
            ("jobs", (False, True)),
        ):
            topic = parse_topic(name, OWNER)
            assert (topic.covers(document), topic.covers(job)) == covered, name
        assert not parse_topic("user:me", DOCUMENT).covers(document)

    def test_only_later_events_are_wanted(self) -> None:
        reader = subscriber()
        reader.add(parse_topic("jobs", None), 10)
        assert reader.wanted(event(EventKind.JOB, 10)) == []
        assert [topic.name for topic in reader.wanted(event(EventKind.JOB, 11))] == ["jobs"]
        assert reader.remove(Topic("jobs"))
        assert reader.wanted(event(EventKind.JOB, 12)) == []

    def test_one_too_many_is_refused_and_a_known_one_is_not(self) -> None:
        reader = subscriber()
        for number in range(MAX_TOPICS):
            reader.add(parse_topic(f"document:{number:032x}", None), 0)
        with pytest.raises(TooManyTopicsError):
            reader.require_room(Topic("jobs"))
        reader.require_room(parse_topic(f"document:{0:032x}", None))


class TestOutbox:
    async def test_messages_come_in_order(self) -> None:
        box = Outbox()
        for number in range(3):
            box.put(str(number), number)
        assert [(await box.take()).event_id for _ in range(3)] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("text", "room"), [("x", MAX_MESSAGES), ("x" * (MAX_BYTES // 8), 8)], ids=["many", "large"]
    )
    async def test_more_than_may_wait_ends_it_and_keeps_nothing(self, text: str, room: int) -> None:
        box = Outbox()
        for _ in range(room):
            box.put(text)
        assert not box.is_over
        box.put(text)
        assert box.is_over
        box.put(text)
        with pytest.raises(TooSlowError):
            await box.take()
        with pytest.raises(TooSlowError):
            await box.over()
        await box.room()

    async def test_one_large_message_may_always_wait(self) -> None:
        box = Outbox()
        box.put("x" * (2 * MAX_BYTES))
        assert len((await box.take()).text) == 2 * MAX_BYTES

    async def test_the_first_reason_is_told(self) -> None:
        box = Outbox()
        box.end(UnavailableError("first"))
        box.end(TooSlowError())
        with pytest.raises(UnavailableError, match="first"):
            await box.take()
