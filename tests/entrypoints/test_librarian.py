"""The command line of a librarian and an administrator, on one installation."""

import csv
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sheet_files import Sheet, write_xlsx_book

from citewell.entrypoints.commands.pruning import GoneFile, looked_for
from tests.entrypoints.conftest import Installation, Running

pytestmark = pytest.mark.usefixtures("logging_put_back")

TEXT = "The hoist is inspected every March by two people.\n"
DEPARTMENTS = ("Finance", "HR", "Research")


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Running]:
    """A server on the installation: the commands share its database, and start sooner."""
    running = installation.start("serve", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


@pytest.mark.usefixtures("server")
class TestDocuments:
    def test_a_document_is_named_by_its_title_changed_and_written_back(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        source = tmp_path / "hoist.txt"
        source.write_text(TEXT, encoding="utf-8")
        (taken,) = installation.json("ingest", str(source))["documents"]
        assert taken["status"] == "ready", taken
        changed = installation.json(
            "documents", "update", "hoist.txt", "--title", "Hoist manual",
            "--set", "department=Workshop", "--set", "year=2026", "--access", "confidential",
        )  # fmt: skip
        assert changed["metadata"] == {"department": "Workshop", "year": 2026}
        assert (changed["title"], changed["access_level"]) == ("Hoist manual", "confidential")
        again = installation.json(
            "document", "update", taken["document_id"][:30], "--unset", "year"
        )
        assert again["metadata"] == {"department": "Workshop"}
        listed = installation.json("documents", "list", "--search", "HOIST")
        assert [each["id"] for each in listed["documents"]] == [taken["document_id"]]
        written = tmp_path / "back"
        written.mkdir()
        installation.call("documents", "download", "hoist manual", "--output", str(written))
        assert (written / "hoist.txt").read_text(encoding="utf-8") == TEXT
        refused = installation.call("documents", "download", "hoist.txt", "-o", str(written))
        assert (refused.exit_code, "already" in refused.stderr) == (2, True)
        unknown = installation.call("documents", "show", "No such title")
        assert (unknown.exit_code, unknown.stderr) == (2, "There is no document `No such title`.\n")
        part = installation.call("documents", "show", "HOIST")
        assert (part.exit_code, "`HOIST`. Title or file name has it of: `Hoist manual`." in
                " ".join(part.stderr.split())) == (2, True)  # fmt: skip
        # It is confidential.
        installation.json("user", "create", "hoist@example.org", "--generate")
        unread = installation.call("documents", "show", "HOIST", "--as", "hoist@example.org")
        assert (unread.exit_code, unread.stderr) == (2, "There is no document `HOIST`.\n")

    def test_a_collection_goes_with_its_documents_and_asks_before(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        for name in ("one.txt", "two.txt"):
            (tmp_path / name).write_text(f"{TEXT} {name}", encoding="utf-8")
        installation.json("ingest", str(tmp_path), "--collection", "Old rules", "--no-wait")
        delete = ("collections", "delete", "Old rules")
        asked = installation.call(*delete)
        assert asked.exit_code == 1
        assert "Remove the collection Old rules with 2 documents, for good?" in asked.stderr
        listed = ("documents", "list", "--collection", "Old rules")
        assert installation.json(*listed)["total"] == 2
        assert installation.json(*delete, "--yes")["documents"] == 2
        assert installation.call(*listed).exit_code == 2
        assert "one.txt" not in installation.call("documents", "trash").stdout
        installation.call("collections", "create", "Old rules")
        assert installation.call(*delete).stdout == "Deleted.\n"

    def test_several_that_fit_are_named_and_nothing_is_done(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            file = tmp_path / folder / "twin.txt"
            file.write_text(f"{folder}: {TEXT}", encoding="utf-8")
            installation.json("ingest", str(file), "--collection", f"Shelf {folder}")
        told = installation.call("documents", "delete", "twin.txt")
        assert told.exit_code == 2
        assert "Several documents fit" in told.stderr
        listed = installation.json("documents", "list", "--search", "twin")
        assert listed["total"] == 2
        table = installation.call("documents", "list", "--search", "twin").stdout
        for each, folder in zip(reversed(listed["documents"]), ("one", "two"), strict=True):
            for said in (each["id"], f"Shelf {folder}", f"file:{tmp_path / folder / 'twin.txt'}"):
                assert said in told.stderr
            assert f"Shelf {folder}" in table
            chosen = ("twin.txt", "--collection", f"Shelf {folder}")
            assert installation.json("documents", "show", *chosen)["id"] == each["id"]
            # The beginning of an id is a clock, which they share; the end tells them apart.
            assert installation.json("documents", "show", each["id"][-8:])["id"] == each["id"]
        unknown = installation.call("documents", "show", "twin.txt", "--collection", "No shelf")
        assert (unknown.exit_code, "no collection" in unknown.stderr) == (2, True)

    def test_a_workbook_is_cited_by_the_names_of_its_sheets(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "stock.xlsx"
        notes = Sheet([["Note", "Text"], ["1", "Lists what the depot of Umberfield sells."]])
        prices = Sheet([["Item", "Price in euro"], ["Umberfield kettle", "45"]])
        write_xlsx_book(file, {"Notes": notes, "Prices": prices})
        (taken,) = installation.json("ingest", str(file))["documents"]
        assert (taken["status"], taken["chunks"]) == ("ready", 2), taken
        (hit,) = installation.json("search", "Umberfield kettle", "--top-k", "1")["results"]
        assert (hit["sheet"], hit["page"], hit["heading"]) == ("Prices", 2, "Prices")
        question = "What is the price of the Umberfield kettle?"
        told = installation.call("ask", question, "--conversation", "new").stdout
        assert "stock.xlsx (version 1), sheet 'Prices'\n" in told
        (talk, *_) = installation.json("conversations", "list")["conversations"]
        for form in ("markdown", "json"):
            export = ("conversations", "export", talk["id"], "--form", form)
            said = installation.call(*export).stdout
            assert ("sheet 'Prices'" if form == "markdown" else '"sheet": "Prices"') in said
            assert "page 2" not in said

    def test_list_needs_no_model(self, installation: Installation) -> None:
        gone = {
            "CITEWELL_EMBEDDING": "openai-compatible:gone",
            "CITEWELL_EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1",
        }
        assert installation.run("documents", "list", **gone).returncode == 0
        assert installation.run("search", "badges", **gone).returncode == 3

    def test_a_new_file_of_nearly_the_same_text_is_said_to_be_similar(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        text = " ".join(
            f"Barge {number} carries {number * 7} crates of {cargo} to the quay of Merrowdale."
            for number, cargo in enumerate(
                ("salt", "wool", "tin", "coal", "hemp", "glass"), start=2
            )
        )
        first, second = tmp_path / "barges.txt", tmp_path / "barges-new.txt"
        first.write_text(text, encoding="utf-8")
        second.write_text(text.replace("tin", "copper"), encoding="utf-8")
        (known,) = installation.json("ingest", str(first))["documents"]
        assert known["resembles"] == []
        told = installation.call("ingest", str(second), "--json")
        (made,) = json.loads(told.stdout)["documents"]
        [like] = made["resembles"]
        assert (like["document_id"], like["title"]) == (known["document_id"], "barges.txt")
        assert 0.8 <= like["likeness"] < 1
        shown = installation.call("documents", "show", "barges.txt").stdout
        assert "resembles       nearly the text of barges-new.txt in library (" in shown
        # In another collection it is a document of its own, which is said at once.
        copied = ("ingest", str(first), "--collection", "harbour", "--no-wait")
        (copy,) = installation.json(*copied)["documents"]
        [other] = [each for each in copy["resembles"] if each["same"] == "content"]
        assert (other["document_id"], other["collection"]) == (known["document_id"], "library")
        assert (
            "go on answering"
            in installation.call(
                "ingest", str(second), "--collection", "harbour", "--no-wait"
            ).stderr
        )
        # A new version of a known document is not compared: it is to take the former's place.
        first.write_text(text.replace("glass", "slate"), encoding="utf-8")
        (again,) = installation.json("ingest", str(first))["documents"]
        assert (again["version"], again["resembles"]) == (2, [])

    def test_what_is_left_out_of_a_folder_is_named(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        text = "Guests of the canteen pay at the till before noon."
        for name in ("a.txt", "b.txt"):
            (tmp_path / name).write_text(text)
        for number in range(12):
            (tmp_path / f"{number:02}.xyz").write_text("What is this?")
        told = installation.call("ingest", str(tmp_path), "--collection", "left-out", "--json")
        made = json.loads(told.stdout)
        assert [Path(each).name for each in made["skipped"]] == [f"{n:02}.xyz" for n in range(12)]
        # The same text under two names: each can be found, changed and deleted.
        assert len({each["document_id"] for each in made["documents"]}) == 2
        assert [[one["same"] for one in each["resembles"]] for each in made["documents"]] == [
            ["content"], ["content"],
        ]  # fmt: skip
        said = " ".join(told.stderr.split())
        assert "skipped 12 of unsupported kinds" in said
        assert "09.xyz and 2 more" in said
        again = installation.call("ingest", str(tmp_path), "--collection", "left-out")
        assert again.stdout == "2 ready (2 passages). 2 unchanged.\n"
        (tmp_path / "a.txt").write_text(f"{text} Or they cook.")
        (tmp_path / "c.txt").write_text("Tea is free.")
        changed = installation.call("ingest", str(tmp_path), "--collection", "left-out")
        assert changed.stdout == "3 ready (3 passages). 1 new, 1 with a new version, 1 unchanged.\n"
        for name, done in (("a", "version 2"), ("b", "unchanged"), ("c", "new      ")):
            assert f"{done} {tmp_path / name}.txt\n" in changed.stderr


@pytest.mark.usefixtures("server")
class TestPrune:
    def test_documents_go_with_their_files(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        folder, other = tmp_path / "hall", tmp_path / "hallway"
        for place, name in ((folder, "a"), (folder, "b"), (folder / "deep", "c"), (other, "d")):
            place.mkdir(exist_ok=True)
            (place / f"{name}.txt").write_text(f"Visitors of hall {name} wear a badge.")
        ingest = ("ingest", str(folder), "--collection", "halls")
        installation.json("ingest", str(other), "--collection", "halls")
        installation.json("ingest", str(folder), "--collection", "copies")
        installation.json(*ingest)
        installation.json(*ingest, "--on-duplicate", "keep_both")
        (folder / "b.txt").unlink()
        (folder / "deep" / "c.txt").rename(folder / "deep" / "c.unsupported")
        seen = installation.json(*ingest, "--prune", "--preview")["removed"]
        paths = [Path(each["path"]).relative_to(folder).as_posix() for each in seen]
        assert paths == ["b.txt", "b.txt (2)", "deep/c.txt", "deep/c.txt (2)"]
        listed = ("documents", "list", "--collection", "halls")
        assert installation.json(*listed)["total"] == 7, "a preview changes nothing"
        done = installation.json(*ingest, "--prune")
        assert (done["removed"], done["failed"]) == (seen, 0)
        left = [each["filename"] for each in installation.json(*listed)["documents"]]
        assert sorted(left) == ["a (2).txt", "a.txt", "d.txt"]
        assert installation.json("documents", "list", "--collection", "copies")["total"] == 3

    def test_folders_in_which_nothing_is_seen_keep_their_documents(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        # Not UTF-8, as on disks of former systems: such names are shown and stored escaped.
        files = ["seat.txt", os.fsdecode(b"b\xe1o.txt"), "mounted/one.txt", "went/two.txt"]
        for number, name in enumerate(files):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"Seat {number} is by the window.")
        pruned = ("ingest", str(tmp_path), "--collection", "seats", "--prune")
        installation.json(*pruned[:-1])
        (tmp_path / "seat.txt").unlink()
        (tmp_path / "mounted" / "one.txt").rename(tmp_path / "mounted" / ".hidden")
        (tmp_path / "went" / "two.txt").unlink()
        (tmp_path / "went").rmdir()
        done = installation.json(*pruned, "--preview")
        assert [Path(each["path"]).name for each in done["removed"]] == ["seat.txt"]
        kept = [(Path(each["folder"]).name, len(each["document_ids"])) for each in done["kept"]]
        assert kept == [("mounted", 1), ("went", 1)]
        told = installation.call(*pruned)
        assert (told.exit_code, "1 document removed." in told.stdout) == (0, True)
        assert "kept 1 document of" in told.stderr
        assert "mount it" in " ".join(told.stderr.split())
        listed = installation.json("documents", "list", "--collection", "seats")
        assert listed["total"] == 3
        alone = installation.call(*pruned[:-1], "--preview")
        assert (alone.exit_code, "give both" in alone.stderr) == (2, True)

    def test_a_disk_that_goes_between_two_looks_keeps_its_documents(self, tmp_path: Path) -> None:
        (tmp_path / "here.txt").write_text("here")
        gone = GoneFile(str(tmp_path / "gone.txt"), uuid.uuid4(), "gone")

        def until_the_disk_goes() -> Iterator[GoneFile]:
            yield gone
            (tmp_path / "here.txt").unlink()

        assert looked_for([str(tmp_path)], [gone]).files == [gone]
        found = looked_for([str(tmp_path)], until_the_disk_goes())
        assert (found.files, [each.folder for each in found.kept]) == ([], [str(tmp_path)])

    def test_only_what_the_caller_may_change_goes(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        installation.json("user", "create", "lee@example.org", "--generate", "--role", "employee")
        for name in ("ours", "theirs"):
            (tmp_path / f"{name}.txt").write_text(f"Shelf {name} is dusted on Mondays.")
        ours, theirs = tmp_path / "ours.txt", tmp_path / "theirs.txt"
        installation.json("ingest", str(theirs), "--collection", "shelves")
        installation.json("ingest", str(ours), "--collection", "shelves", "--as", "lee@example.org")
        ours.unlink()
        theirs.unlink()
        (tmp_path / "new.txt").write_text("Shelf new is dusted on Fridays.")
        pruned = ("ingest", str(tmp_path), "--collection", "shelves", "--prune")
        done = installation.json(*pruned, "--as", "lee@example.org", code=1)
        assert [(Path(each["path"]).name, bool(each["error"])) for each in done["removed"]] == [
            ("ours.txt", False), ("theirs.txt", True),
        ]  # fmt: skip
        assert done["failed"] == 1


@pytest.mark.usefixtures("server")
class TestOrganisation:
    def test_twelve_people_in_three_departments_come_from_one_file_with_a_proof(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "people.csv"
        with file.open("w", newline="", encoding="utf-8") as opened:
            rows = csv.writer(opened)
            rows.writerow(["email", "name", "role", "department"])
            for number in range(12):
                role = "manager" if number < 3 else "employee"
                department = DEPARTMENTS[number % 3]
                rows.writerow([f"p{number}@example.org", f"P {number}", role, department])
        made = installation.json("users", "import", str(file))
        assert len(made["invitations"]) == 12
        assert made["collections"] == list(DEPARTMENTS)
        for email, link in made["links"].items():
            assert f"/join#invitation={made['invitations'][email]}&email=" in link
        seen = {each["email"]: each for each in installation.json("access", "report")["users"]}
        for number in range(12):
            own = [DEPARTMENTS[number % 3]]
            shown = seen[f"p{number}@example.org"]
            assert (shown["reads"], shown["changes"]) == (own, own)
        # A rule, and its end, are in the next report.
        share = ("collections", "share", "HR", "--user", "p0@example.org")
        assert installation.json(*share)["effect"] == "read"
        after = {each["email"]: each for each in installation.json("access", "report")["users"]}
        assert after["p0@example.org"]["reads"] == ["Finance", "HR"]
        assert after["p0@example.org"]["changes"] == ["Finance"]
        installation.call("collection", "unshare", "HR", "--user", "p0@example.org")
        assert installation.call(*share[:2], "HR").exit_code == 2
        last = {each["email"]: each for each in installation.json("access", "report")["users"]}
        assert last == seen

    def test_a_bad_line_is_told_in_our_own_words(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "bad.csv"
        file.write_text("email,name\nann\0@example.org,Ann\n", encoding="utf-8")
        told = installation.call("users", "import", str(file))
        assert told.exit_code == 2
        assert "person 1: email: " in told.stderr
        assert "Value error" not in told.stderr

    def test_access_to_a_document_is_listed_for_everybody_with_its_reason(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        source = tmp_path / "access.txt"
        source.write_text(TEXT, encoding="utf-8")
        installation.json("ingest", str(source))
        for name, role in (("ann", "employee"), ("guy", "guest")):
            email = f"{name}@access.example.org"
            installation.json(
                "user", "create", email, "--role", role, "--generate"
            )  # fmt: skip
        listing = ("documents", "access", "access.txt", "--search", "access.example.org")
        seen = {
            each["user"]["email"][:3]: each["read"]["reasons"][0]["code"]
            for each in installation.json(*listing)["users"]
        }
        assert seen == {"ann": "role_reads_level", "guy": "role_below_level"}
        readers = installation.json(*listing, "--can-read")["users"]
        assert [each["user"]["email"] for each in readers] == ["ann@access.example.org"]
        shown = installation.call(*listing, "--cannot-read")
        assert "guy@access.example.org" in shown.stdout
        assert "reads up to the level public" in shown.stdout
        assert "ann@" not in shown.stdout
        refused = installation.call(*listing, "--as", "ann@access.example.org")
        assert (refused.exit_code, "administrators" in refused.stderr) == (2, True)

    def test_plural_names_are_those_of_the_singular(self, installation: Installation) -> None:
        for one, other in (("user", "users"), ("tenant", "tenants"), ("key", "keys")):
            assert installation.json(one, "list") == installation.json(other, "list")
