"""Files that are registered together."""

import asyncio
from pathlib import Path

from citewell.core.context import unit_of_work
from citewell.features.collections import service as collections
from citewell.features.documents import registering
from citewell.features.documents import service as documents
from citewell.features.documents.errors import FileTooLargeError
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import NewFile
from tests.quiet import Shelf


def new_file(folder: Path, name: str, text: str, *, source: str | None = None) -> NewFile:
    path = folder / name
    path.write_text(text)
    return NewFile(path=path, filename=name, source=source or f"file:{name}")


async def register(shelf: Shelf, files: list[NewFile]) -> list[Registered]:
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        target = await collections.get_or_create(ctx, collections.DEFAULT_COLLECTION)
    outcomes = await registering.register_files(shelf.platform, shelf.caller, target.id, files)
    assert all(isinstance(each, Registered) for each in outcomes), outcomes
    return [each for each in outcomes if isinstance(each, Registered)]


class TestRegisterFiles:
    async def test_each_new_file_gets_a_job_that_makes_it_ready(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        files = [new_file(tmp_path, f"{name}.txt", f"About {name}.") for name in "cab"]
        registered = await register(shelf, files)
        assert len({each.document_id for each in registered}) == 3
        for each, new in zip(registered, files, strict=True):
            await shelf.process(each)
            version, job = await shelf.state(each)
            assert (version.status, version.number) == ("ready", 1)
            assert job is not None
            assert (job.id, job.status) == (each.job_id, "succeeded")
            async with unit_of_work(shelf.platform, shelf.caller) as ctx:
                found = await documents.get(ctx, each.document_id)
                content = await documents.content(ctx, each.document_id)
            assert found.document.filename == new.filename
            assert content.text == new.path.read_text()

    async def test_known_source_gets_a_version_beside_new_ones(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        [old] = await register(shelf, [new_file(tmp_path, "a.txt", "Before.")])
        again, fresh = await register(
            shelf, [new_file(tmp_path, "a.txt", "After."), new_file(tmp_path, "b.txt", "New.")]
        )
        assert (again.document_id, again.number) == (old.document_id, 2)
        assert fresh.number == 1

    async def test_one_source_twice_in_a_batch_is_one_document(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        files = [new_file(tmp_path, name, "Linked twice.", source="file:x") for name in "ab"]
        first, second = await register(shelf, files)
        assert (first.document_id, first.version_id) == (second.document_id, second.version_id)

    async def test_one_content_under_two_names_is_two_documents(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        files = [new_file(tmp_path, name, "The same.") for name in ("a.txt", "b.txt")]
        first, second = await register(shelf, files)
        assert first.document_id != second.document_id
        await shelf.process(first)
        await shelf.process(second)
        assert (await shelf.state(second))[0].status == "ready"

    async def test_bad_file_fails_alone(self, shelf: Shelf, tmp_path: Path) -> None:
        large = new_file(tmp_path, "large.txt", "x")
        with large.path.open("r+b") as file:
            file.truncate(shelf.platform.settings.max_upload_bytes + 1)
        missing = NewFile(path=tmp_path / "none.txt", filename="none.txt", source="file:none")
        good = new_file(tmp_path, "good.txt", "Good.")
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            target = await collections.get_or_create(ctx, collections.DEFAULT_COLLECTION)
        outcomes = await registering.register_files(
            shelf.platform, shelf.caller, target.id, [large, missing, good]
        )
        assert [type(each) for each in outcomes] == [
            FileTooLargeError,
            FileNotFoundError,
            Registered,
        ]

    async def test_same_batch_at_once_makes_each_document_once(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        files = [new_file(tmp_path, f"{n}.txt", f"Number {n}.") for n in range(8)]
        one, other = await asyncio.gather(
            register(shelf, files), register(shelf, list(reversed(files)))
        )
        assert {each.version_id for each in one} == {each.version_id for each in other}
        assert len({each.document_id for each in one}) == 8
