"""Keys of stored files are exchanged while files come, go and are read."""

import asyncio
import hashlib
import uuid
from pathlib import Path

import anyio
import pytest

from citewell.core.blobs.encryption import key_id_of
from citewell.core.context import unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents import originals, repository
from citewell.features.documents import service as documents
from tests.quiet import Shelf, quiet_platform


def stored(shelf: Shelf) -> list[Path]:
    folder = shelf.platform.settings.home / "files" / str(shelf.caller.tenant_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def key_ids(shelf: Shelf) -> set[uuid.UUID]:
    return {key_id_of(path) for path in stored(shelf)}


async def content_of(shelf: Shelf, document_id: uuid.UUID) -> bytes:
    async with documents.original_file(shelf.platform, shelf.caller, document_id) as original:
        return await anyio.Path(original.path).read_bytes()


async def rotate(shelf: Shelf) -> originals.Exchange:
    made = await originals.replace_key(shelf.platform, shelf.caller)
    done = await originals.reencrypt(shelf.platform, shelf.caller)
    assert done is not None
    assert done.key_id == made
    return done


class TestRotation:
    async def test_every_file_is_under_the_new_key_and_the_former_one_is_gone(
        self, shelf: Shelf
    ) -> None:
        texts = {f"{number}.txt": f"canary {number} " * 500 for number in range(5)}
        added = {name: await shelf.register(name, text) for name, text in texts.items()}
        [former] = key_ids(shelf)
        done = await rotate(shelf)
        assert (done.files, done.waiting, done.removed_keys, done.failures) == (5, 0, 1, {})
        assert key_ids(shelf) == {done.key_id}
        assert done.key_id != former
        assert not any(b"canary" in path.read_bytes() for path in stored(shelf))
        for name, registered in added.items():
            assert await content_of(shelf, registered.document_id) == texts[name].encode()

    async def test_without_reencrypting_old_files_stay_readable(self, shelf: Shelf) -> None:
        added = await shelf.register("a.txt", "first")
        await originals.replace_key(shelf.platform, shelf.caller)
        later = await shelf.register("b.txt", "second")
        assert len(key_ids(shelf)) == 2
        assert await content_of(shelf, added.document_id) == b"first"
        assert await content_of(shelf, later.document_id) == b"second"

    async def test_tenant_without_files_has_nothing_to_rotate(self, shelf: Shelf) -> None:
        assert await originals.replace_key(shelf.platform, shelf.caller) is None
        assert await originals.reencrypt(shelf.platform, shelf.caller) is None

    @pytest.mark.parametrize("harm", ["missing", "damaged"])
    async def test_file_that_cannot_be_read_keeps_the_former_key(
        self, shelf: Shelf, harm: str
    ) -> None:
        """A folder that is not mounted for a moment must not cost the keys of its files."""
        added = await shelf.register("a.txt", "first")
        [path] = stored(shelf)
        content = path.read_bytes()
        if harm == "missing":
            path.unlink()
        else:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        await shelf.register("b.txt", "second")
        done = await rotate(shelf)
        assert (done.files, done.waiting, done.removed_keys) == (1, 1, 0)
        assert list(done.failures) == ["a.txt"]
        path.write_bytes(content)
        resumed = await originals.reencrypt(shelf.platform, shelf.caller)
        assert resumed is not None
        assert (resumed.files, resumed.removed_keys, resumed.failures) == (1, 1, {})
        assert await content_of(shelf, added.document_id) == b"first"

    async def test_file_replaced_before_a_kill_is_only_noted(self, shelf: Shelf) -> None:
        added = await shelf.register("a.txt", "first")
        await rotate(shelf)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            await repository.note_key(
                ctx.session, [hashlib.sha256(b"first").digest()], uuid.uuid4()
            )
        done = await originals.reencrypt(shelf.platform, shelf.caller)
        assert done is not None
        assert (done.files, done.waiting) == (0, 0)
        assert await content_of(shelf, added.document_id) == b"first"


class TestOtherProcess:
    """Another process with a memory of its own, on the same database and files."""

    async def test_it_stores_under_the_new_key_and_reads_what_was_reencrypted(
        self, shelf: Shelf, own_url: str, quiet: Platform
    ) -> None:
        async with quiet_platform(quiet.settings, own_url) as platform:
            other = Shelf(platform, shelf.caller, shelf.folder)
            added = await other.register("a.txt", "first")
            done = await rotate(shelf)
            later = await other.register("b.txt", "second")
            assert key_ids(shelf) == {done.key_id}
            assert await content_of(other, added.document_id) == b"first"
            assert await content_of(other, later.document_id) == b"second"

    async def test_writers_readers_and_removers_do_not_notice(
        self, shelf: Shelf, own_url: str, quiet: Platform
    ) -> None:
        expected: dict[uuid.UUID, bytes] = {}
        is_over = asyncio.Event()

        async def write(other: Shelf, name: str) -> None:
            for number in range(1000):
                if is_over.is_set():
                    return
                text = f"{name} {number} " * 200
                added = await other.register(f"{name}-{number}.txt", text)
                if number % 5 == 4:
                    await other.delete(added)
                    await other.purge()
                else:
                    expected[added.document_id] = text.encode()

        async def read(other: Shelf) -> None:
            while not is_over.is_set():
                for document_id, content in list(expected.items())[-5:]:
                    assert await content_of(other, document_id) == content
                await asyncio.sleep(0)

        async def rotate_often() -> None:
            for _ in range(2):
                done = await rotate(shelf)
                assert done.failures == {}
            is_over.set()

        async with quiet_platform(quiet.settings, own_url) as platform:
            other = Shelf(platform, shelf.caller, shelf.folder)
            await other.register("first.txt", "the first")
            async with asyncio.TaskGroup() as group:
                group.create_task(write(other, "w"))
                group.create_task(read(other))
                group.create_task(rotate_often())
        done = await rotate(shelf)
        assert (done.waiting, done.failures) == (0, {})
        assert key_ids(shelf) == {done.key_id}
        assert expected
        for document_id, content in expected.items():
            assert await content_of(shelf, document_id) == content
