"""One identity of a document in a collection, whichever way its file comes in."""

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from citewell.access.policy import AccessLevel, Role, Scope
from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import Database
from citewell.core.errors import ForbiddenError
from citewell.features.collections import service as collections
from citewell.features.documents import recognition, registering
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentRead, NewFile, OnDuplicate
from tests.people import People
from tests.quiet import Shelf

KEEP_BOTH, SKIP, VERSION = OnDuplicate.KEEP_BOTH, OnDuplicate.SKIP, OnDuplicate.VERSION


async def taken(
    shelf: Shelf,
    source: str,
    text: str,
    *,
    name: str = "rules.md",
    caller: Caller | None = None,
    on_duplicate: OnDuplicate = VERSION,
    level: AccessLevel | None = None,
    folders: tuple[str, ...] = (),
    path: str | None = None,
    collection: str | None = None,
) -> Registered:
    file = Path(shelf.folder) / uuid.uuid4().hex
    file.write_text(text)
    collection_id = None
    if collection is not None:
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            collection_id = (await collections.get_or_create(ctx, collection)).id
    new = NewFile(
        path=file, filename=name, source=source, on_duplicate=on_duplicate, access_level=level,
        folders=folders, metadata=None if path is None else {"path": path},
        collection_id=collection_id,
    )  # fmt: skip
    return await registering.register_file(shelf.platform, caller or shelf.caller, new)


async def read(shelf: Shelf, one: Registered) -> DocumentRead:
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        return (await documents.get(ctx, one.document_id)).read()


class TestByName:
    @pytest.mark.parametrize(
        ("first", "second", "kept"),
        [
            ("file:/in/rules.md", "upload:rules.md", "file:/in/rules.md"),
            ("upload:rules.md", "file:/in/rules.md", "file:/in/rules.md"),
            ("text:0a", "upload:rules.md", "upload:rules.md"),
            ("file:/in/rules.md", "text:0a", "file:/in/rules.md"),
        ],
    )
    async def test_another_way_in_makes_a_version(
        self, shelf: Shelf, first: str, second: str, kept: str
    ) -> None:
        old = await taken(shelf, first, "Lunch is at noon.")
        new = await taken(shelf, second, "Lunch is at one.")
        assert (new.document_id, new.number, new.known_by) == (old.document_id, 2, "name")
        assert (await read(shelf, new)).source == kept
        # The way that was taken first still leads there.
        again = await taken(shelf, first, "Lunch is at two.")
        assert (again.document_id, again.number) == (old.document_id, 3)

    async def test_source_that_is_given_stays_and_tells_apart(self, shelf: Shelf) -> None:
        old = await taken(shelf, "upload:rules.md", "Lunch is at noon.")
        new = await taken(shelf, "given:intranet/1", "Lunch is at one.")
        assert (new.document_id, new.number, new.known_by) == (old.document_id, 2, "name")
        assert (await read(shelf, new)).source == "given:intranet/1"
        other = await taken(shelf, "given:intranet/2", "Lunch is at two.")
        assert (other.known_by, other.number) == (None, 1)

    async def test_skip_names_it_and_keep_both_numbers_the_copy(self, shelf: Shelf) -> None:
        old = await taken(shelf, "file:/in/rules.md", "Lunch is at noon.")
        same = await taken(shelf, "upload:rules.md", "At one.", on_duplicate=SKIP)
        assert (same.document_id, same.number, same.known_by) == (old.document_id, 1, "name")
        copy = await taken(shelf, "upload:rules.md", "At one.", on_duplicate=KEEP_BOTH)
        assert (await read(shelf, copy)).filename == "rules (2).md"

    async def test_paths_of_one_name_stay_apart(self, shelf: Shelf) -> None:
        one = await taken(shelf, "file:/a/README.md", "About a.", name="README.md")
        two = await taken(shelf, "file:/b/README.md", "About b.", name="README.md")
        assert (two.known_by, two.number) == (None, 1)
        # Which of the two an upload is meant for cannot be told.
        three = await taken(shelf, "upload:README.md", "About c.", name="README.md")
        assert len({each.document_id for each in (one, two, three)}) == 3

    async def test_second_path_does_not_take_what_the_first_took(self, shelf: Shelf) -> None:
        known = await taken(shelf, "upload:README.md", "About.", name="README.md")
        one = await taken(shelf, "file:/a/README.md", "About a.", name="README.md")
        two = await taken(shelf, "file:/b/README.md", "About b.", name="README.md")
        assert one.document_id == known.document_id != two.document_id

    async def test_folders_below_the_one_handed_in_must_fit(self, shelf: Shelf) -> None:
        flat = await taken(shelf, "upload:leave.md", "Leave.", name="leave.md")
        deep = await taken(shelf, "file:/x/hr/leave.md", "HR.", name="leave.md", folders=("hr",))
        assert deep.document_id != flat.document_id
        site = await taken(shelf, "upload:site.md", "One.", name="site.md", path="Drop/hr/site.md")
        fits = await taken(shelf, "file:/x/hr/site.md", "Two.", name="site.md", folders=("hr",))
        assert (fits.document_id, fits.number) == (site.document_id, 2)

    async def test_texts_of_one_title_stay_apart(self, shelf: Shelf) -> None:
        one = await taken(shelf, "text:0a", "One.")
        two = await taken(shelf, "text:0b", "Two.")
        assert one.document_id != two.document_id

    async def test_text_of_that_title_is_no_document_of_a_given_source(
        self, shelf: Shelf, people: People
    ) -> None:
        text = await taken(shelf, "text:0a", "Somebody's.")
        clerk = await people.user(Role.EMPLOYEE)
        given = await taken(shelf, "given:crm/2", "Mine.", caller=clerk)
        assert (given.known_by, given.number) == (None, 1)
        other = await taken(shelf, "text:0b", "Theirs.")
        assert len({text.document_id, given.document_id, other.document_id}) == 3

    async def test_readable_but_not_writable_is_refused(self, shelf: Shelf, people: People) -> None:
        theirs = await taken(shelf, "file:/in/rules.md", "Theirs.")
        clerk = await people.user(Role.EMPLOYEE)
        with pytest.raises(ForbiddenError):
            await taken(shelf, "upload:rules.md", "Mine.", caller=clerk)
        named = await taken(shelf, "upload:rules.md", "x", caller=clerk, on_duplicate=SKIP)
        assert named.document_id == theirs.document_id

    async def test_hidden_ones_do_not_show(self, shelf: Shelf, people: People) -> None:
        await taken(shelf, "file:/in/rules.md", "Hidden.", level=AccessLevel.RESTRICTED)
        clerk = await people.user(Role.EMPLOYEE)
        mine = await taken(shelf, "upload:rules.md", "Hidden.", caller=clerk)
        assert (mine.known_by, mine.number) == (None, 1)
        # Nor by a source that is taken: mine is the only one that I see.
        again = await taken(shelf, "file:/in/rules.md", "Mine.", caller=clerk)
        assert (again.document_id, again.known_by) == (mine.document_id, "name")

    async def test_uploads_at_once_by_two_ways_are_one_document(self, shelf: Shelf) -> None:
        made = await asyncio.gather(
            *(
                taken(shelf, source, f"Edition {n} of {source}.")
                for n in range(3)
                for source in ("file:/in/rules.md", "upload:rules.md")
            )
        )
        assert len({each.document_id for each in made}) == 1
        assert sorted(each.number for each in made) == [1, 2, 3, 4, 5, 6]


class TestCopies:
    async def test_same_content_under_another_name_or_path_is_kept_apart(
        self, shelf: Shelf
    ) -> None:
        sources = ("file:/a/rules.md", "file:/b/rules.md", "upload:copy.md", "text:0b")
        names = ("rules.md", "rules.md", "copy.md", "memo.md")
        made = [
            await taken(shelf, source, "The same.", name=name)
            for source, name in zip(sources, names, strict=True)
        ]
        assert len({each.document_id for each in made}) == 4
        assert {each.known_by for each in made} == {None}


class TestOthers:
    """Other documents that hold the same file; each is told of the others."""

    async def test_same_content_and_same_name_elsewhere_are_named(self, shelf: Shelf) -> None:
        first = await taken(shelf, "file:/in/rules.md", "Lunch is at noon.")
        copy = await taken(shelf, "file:/in/rules.md", "Lunch is at noon.", collection="hall")
        assert copy.known_by is None, "another collection has its own"
        assert await named(shelf, copy) == [(first.document_id, "library", "content")]
        changed = await taken(shelf, "file:/in/rules.md", "Lunch is at one.", collection="tower")
        assert await named(shelf, changed) == [
            (first.document_id, "library", "name"), (copy.document_id, "hall", "name"),
        ]  # fmt: skip
        uploaded = await taken(shelf, "upload:rules.md", "Lunch is at two.", collection="attic")
        assert [same for *_, same in await named(shelf, uploaded)] == ["name"] * 3
        renamed = await taken(shelf, "upload:lunch.md", "Lunch is at two.", name="lunch.md")
        assert await named(shelf, renamed) == [(uploaded.document_id, "attic", "content")]

    async def test_names_that_many_bear_and_other_paths_are_not(self, shelf: Shelf) -> None:
        await taken(shelf, "file:/a/README.md", "About a.", name="README.md")
        other = await taken(
            shelf, "file:/c/README.md", "About c.", name="README.md", collection="hall"
        )
        assert await named(shelf, other) == [], "two paths are two documents"
        await taken(shelf, "file:/b/README.md", "About b.", name="README.md")
        upload = await taken(
            shelf, "upload:README.md", "About d.", name="README.md", collection="attic"
        )
        assert await named(shelf, upload) == [(other.document_id, "hall", "name")]

    async def test_many_bearers_of_a_name_hide_no_only_one(self, shelf: Shelf) -> None:
        # 24 and two: as many as are looked at, and one more.
        for number in range(26):
            source = f"file:/{number}/README.md"
            place = "hall" if number < 24 else "tower"
            await taken(shelf, source, f"About {number}.", name="README.md", collection=place)
        only = await taken(shelf, "upload:README.md", "x", name="README.md", collection="attic")
        mine = await taken(shelf, "upload:README.md", "About all.", name="README.md")
        assert await named(shelf, mine) == [(only.document_id, "attic", "name")]

    async def test_failing_database_names_none(self, shelf: Shelf) -> None:
        made = await taken(shelf, "upload:rules.md", "Lunch is at noon.")
        gone = replace(shelf.platform, database=Database("postgresql://u@127.0.0.1:1/none"))
        with capture_logs() as logs:
            [told] = await recognition.with_others(gone, shelf.caller, [made.accepted()])
        assert (told.id, told.resembles) == (made.document_id, [])
        assert [each["event"] for each in logs] == ["others_not_named"]

    async def test_key_that_only_writes_is_told_of_none(self, shelf: Shelf) -> None:
        await taken(shelf, "upload:rules.md", "Lunch is at noon.")
        copy = await taken(shelf, "upload:copy.md", "Lunch is at noon.", name="copy.md")
        writes = replace(shelf.caller.actor, scopes=frozenset({Scope.WRITE}))
        assert await named(shelf, copy, replace(shelf.caller, actor=writes)) == []
        assert len(await named(shelf, copy)) == 1

    async def test_texts_of_one_title_are(self, shelf: Shelf) -> None:
        one = await taken(shelf, "text:0a", "One.")
        two = await taken(shelf, "text:0b", "Two.")
        assert await named(shelf, two) == [(one.document_id, "library", "name")]
        far = await taken(shelf, "text:0c", "Three.", collection="hall")
        assert {each for each, *_ in await named(shelf, far)} == {one.document_id, two.document_id}

    async def test_former_versions_and_deleted_ones_are_not(self, shelf: Shelf) -> None:
        first = await taken(shelf, "upload:rules.md", "Lunch is at noon.")
        await shelf.process(first)
        await shelf.process(await taken(shelf, "upload:rules.md", "Lunch is at one."))
        copy = await taken(shelf, "upload:lunch.md", "Lunch is at noon.", name="lunch.md")
        assert await named(shelf, copy) == [], "the first version answers no more"
        late = await taken(shelf, "upload:late.md", "Lunch is at one.", name="late.md")
        assert await named(shelf, late) == [(first.document_id, "library", "content")]
        await shelf.delete(first)
        assert await named(shelf, late) == []

    async def test_hidden_ones_are_not(self, shelf: Shelf, people: People) -> None:
        await taken(
            shelf, "file:/in/rules.md", "Hidden.", level=AccessLevel.RESTRICTED, collection="hall"
        )
        clerk = await people.user(Role.EMPLOYEE)
        mine = await taken(shelf, "upload:rules.md", "Hidden.", caller=clerk)
        assert await named(shelf, mine, clerk) == []
        assert [same for *_, same in await named(shelf, mine)] == ["content"]


async def named(
    shelf: Shelf, one: Registered, caller: Caller | None = None
) -> list[tuple[uuid.UUID, str | None, str]]:
    """Ids and collections of the others that are named beside a document, and what they share."""
    [accepted] = await recognition.with_others(
        shelf.platform, caller or shelf.caller, [one.accepted()]
    )
    return [(each.document_id, each.collection, each.same) for each in accepted.resembles]
