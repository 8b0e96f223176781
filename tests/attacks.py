"""Attacks that once worked, with what becomes of each now and the tests that make it again.

`make test-attacks` makes them all. The guide's table (docs/guide/security.md) is this list.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """An attempt, its end, and the tests that replay it (`file::Class::test`, or a part of it)."""

    attempt: str
    end: str
    tests: tuple[str, ...]


ATTACKS = (
    Attack(
        "A stranger registers at an installation that has no account and is used by its key alone",
        "403: the first account takes the operator's token; a document or another key ends it too",
        (
            "tests/entrypoints/test_setting_up.py::TestInstallationUsedByItsKey",
            "tests/features/sessions/test_setting_up.py::TestInUse",
        ),
    ),
    Attack(
        "The database's account plants links where root writes its configuration",
        "Links are not followed; folders of another user are refused",
        ("tests/core/database/test_embedded.py::TestForeignFiles",),
    ),
    Attack(
        "One reader has long texts compared, several at a time",
        "Compared in a process of its own with limits and a deadline; others are served meanwhile",
        ("tests/features/versions/test_load.py",),
    ),
    Attack(
        "An import whose passages are not what the document says, or that names another author",
        "422: passages must stand in the text; terms, vectors and authors are made here",
        (
            "tests/features/transfers/test_endpoints.py::TestEndpoints"
            "::test_a_forged_file_does_not_win_questions_for_another_text",
            "tests/features/transfers/test_hostile.py",
        ),
    ),
    Attack(
        "A thousand requests that are never sent to their end",
        "408 after seconds, a share for each address; readiness answers all the time",
        ("tests/entrypoints/http/test_connections.py",),
    ),
    Attack(
        "A document takes over the process that reads it",
        "It has no key, network, socket or capability, and no file but its own",
        (
            "tests/kit/test_confinement.py",
            "tests/engine/parsing/test_sandbox.py::TestConfinement",
        ),
    ),
    Attack(
        "A guest sends hundreds of megabytes to a route that will refuse them",
        "Refused before the body is read; few uploads of one caller at a time",
        ("tests/entrypoints/http/test_uploads.py",),
    ),
    Attack(
        "Documents with a megabyte of metadata make a list of tens of megabytes",
        "422 beyond 16 KiB of metadata",
        (
            "tests/features/documents/test_endpoints.py::TestCreate"
            "::test_bad_fields_are_422_and_named",
        ),
    ),
    Attack(
        "A model writes the opposite of its source, or more than it says, with the source's words",
        "Graded `contradicted`, `unsupported`, or `reworded` with what no quote holds; of the "
        "false sentences of public sets one in a thousand passes as `close` on average, seven of "
        "the worst set",
        (
            "tests/engine/verification/test_grading.py::TestNotAccepted",
            "tests/engine/verification/test_grading.py::TestContradicted",
            "tests/engine/answering/test_generated.py",
        ),
    ),
    Attack(
        "Pictures, scripts, escape sequences and invisible characters in answers and names",
        "Taken out before anything is stored, shown or printed",
        (
            "tests/engine/answering/test_neutral.py",
            "tests/kit/test_visible.py",
            "tests/engine/answering/test_generated.py::TestStream"
            "::test_what_a_model_writes_is_made_harmless",
        ),
    ),
    Attack(
        "Wrong passwords from many addresses lock an account's owner out",
        "Guesses are slowed down; addresses that signed in before go on",
        (
            "tests/features/sessions/test_signing_in.py::TestThrottling"
            "::test_guesses_from_everywhere_do_not_lock_the_owner_out",
        ),
    ),
    Attack(
        "A `.env` of somebody else in the working folder sends passages elsewhere",
        "The start stops with a line that names the file",
        (
            "tests/core/test_settings.py::TestLoad"
            "::test_file_that_others_could_have_written_is_refused",
        ),
    ),
    Attack(
        "A link in a folder that is ingested leads out of it",
        "Said and left out; a link that is named is followed",
        ("tests/entrypoints/test_walking.py",),
    ),
    Attack(
        "Tens of imports at once, each with a wrong passphrase",
        "Two keys are derived at a time, in processes of their own",
        ("tests/features/transfers/test_together.py::TestManyPassphrases",),
    ),
    Attack(
        "The first key stands in the log of the start",
        "In a file that its owner alone reads; printed on a terminal only",
        ("tests/entrypoints/test_setting_up.py",),
    ),
    Attack(
        "A question or document of blanks keeps one expression busy for a minute",
        "Expressions that meet foreign text take time in proportion to it, or read only its "
        "beginning",
        (
            "tests/engine/answering/test_linear_time.py",
            "tests/engine/answering/test_neutral.py",
            "tests/engine/text/test_sentences.py",
        ),
    ),
)


def as_table() -> str:
    """The attacks as a table of Markdown."""
    lines = ["| | attempt | what becomes of it | replayed by |", "|---|---|---|---|"]
    for number, each in enumerate(ATTACKS, 1):
        files = dict.fromkeys(name.partition("::")[0] for name in each.tests)
        replays = ", ".join(f"`{name}`" for name in files)
        lines.append(f"| {number} | {each.attempt} | {each.end} | {replays} |")
    return "\n".join(lines)
