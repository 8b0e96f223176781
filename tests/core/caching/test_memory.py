import uuid

from citewell.core.caching.memory import ENTRY_BYTES, OBJECTS_PER_BYTE, MemoryCache

ANNA, BERT = uuid.uuid4(), uuid.uuid4()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def filled(store: MemoryCache, *keys: bytes, tenant_id: uuid.UUID = ANNA, size: int = 100) -> None:
    for key in keys:
        store.put(key, bytes(size), tenant_id, seconds=10, is_of_library=True)


class TestMemoryStore:
    def test_value_is_found_until_it_is_too_old(self) -> None:
        clock = Clock()
        store = MemoryCache(100_000, clock=clock)
        filled(store, b"a")
        clock.now = 9.9
        assert store.get(b"a") == bytes(100)
        clock.now = 10.0
        assert store.get(b"a") is None
        assert (len(store), store.bytes) == (0, 0)

    def test_those_used_longest_ago_make_room(self) -> None:
        room = 20 * (100 + ENTRY_BYTES)
        store = MemoryCache(room)
        filled(store, *(bytes([n]) for n in range(20)))
        assert store.get(bytes([0])) is not None
        filled(store, b"one more")
        assert store.get(bytes([0])) is not None
        assert store.get(bytes([1])) is None
        assert store.bytes == room

    def test_value_that_would_push_out_many_others_is_not_kept(self) -> None:
        store = MemoryCache(10_000)
        filled(store, b"large", size=1_001)
        assert len(store) == 0

    def test_library_that_changed_takes_its_values_and_no_others(self) -> None:
        store = MemoryCache(100_000)
        filled(store, b"a", b"b")
        filled(store, b"c", tenant_id=BERT)
        store.put(b"v", b"vector", ANNA, seconds=10, is_of_library=False)
        store.drop_library(ANNA)
        assert [store.get(key) is not None for key in (b"a", b"b", b"c", b"v")] == [
            False, False, True, True,
        ]  # fmt: skip

    def test_objects_of_a_value_are_made_once_and_counted(self) -> None:
        store, made = MemoryCache(100_000), list[bytes]()

        def read(value: bytes) -> list[int]:
            made.append(value)
            return [len(value)]

        assert store.get_read(b"a", read) is None
        filled(store, b"a")
        assert store.bytes == 100 + ENTRY_BYTES
        first = store.get_read(b"a", read)
        assert first == [100]
        assert store.get_read(b"a", read) is first
        assert store.get(b"a") == bytes(100)
        assert made == [bytes(100)]
        assert store.bytes == 100 + ENTRY_BYTES + OBJECTS_PER_BYTE * 100

    def test_another_value_under_the_key_is_read_anew(self) -> None:
        store = MemoryCache(100_000)
        filled(store, b"a")
        assert store.get_read(b"a", len) == 100
        filled(store, b"a", size=200)
        assert store.get_read(b"a", len) == 200
        store.drop_library(ANNA)
        assert store.get_read(b"a", len) is None
        assert store.bytes == 0

    def test_objects_push_out_those_used_longest_ago(self) -> None:
        store = MemoryCache(20 * (100 + ENTRY_BYTES))
        filled(store, *(bytes([n]) for n in range(20)))
        assert store.get_read(bytes([19]), len) == 100
        assert store.get(bytes([0])) is None
        assert store.get(bytes([19])) is not None
