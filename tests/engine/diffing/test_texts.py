"""Comparing texts: what comes out rebuilds the new text, and costs no more than it may."""

import random
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.diffing.texts import Hunk, unified, word_hunks
from tests.examples import examples
from tests.timing import processor_seconds

PARTS = (
    "nghỉ",
    "phép",
    "năm",
    "leave",
    "of",
    "12",
    "ngày",
    ".",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "é",
)

TEXTS = st.lists(st.sampled_from(PARTS), max_size=60).map("".join)


def applied(old: str, new: str, hunks: list[Hunk]) -> str:
    """The old text with each hunk's stretch replaced by the new one's."""
    parts, at = [], 0
    for hunk in hunks:
        parts += [old[at : hunk.old_start], new[hunk.new_start : hunk.new_end]]
        at = hunk.old_end
    return "".join([*parts, old[at:]])


def words_of(old: str, new: str) -> list[tuple[str, str]]:
    return [
        (old[h.old_start : h.old_end], new[h.new_start : h.new_end]) for h in word_hunks(old, new)
    ]


class TestWordHunks:
    @given(TEXTS, TEXTS)
    @settings(max_examples=examples(400))
    def test_applied_to_the_old_text_they_give_the_new_one(self, old: str, new: str) -> None:
        hunks = word_hunks(old, new)
        assert applied(old, new, hunks) == new
        assert bool(hunks) == (old != new)
        for first, second in pairwise(hunks):
            assert first.old_end < second.old_start
            assert first.new_end < second.new_start
            assert old[first.old_end : second.old_start] == new[first.new_end : second.new_start]

    def test_words_are_named_with_their_offsets(self) -> None:
        old, new = "Leave is 27 days. Ask Ann.", "Leave is 28 days. Ask Bob."
        assert word_hunks(old, new) == [Hunk(9, 11, 9, 11), Hunk(22, 25, 22, 25)]

    def test_vietnamese_syllables_are_whole(self) -> None:
        old = "Nhân viên được nghỉ phép mười hai ngày."
        new = "Nhân viên được nghỉ phép mười bốn ngày."
        assert words_of(old, new) == [("hai", "bốn")]

    def test_letters_with_separate_marks_are_whole(self) -> None:
        assert words_of("nghi\u0309 phe\u0301p", "nghi\u0309 phe\u0300p") == [
            ("phe\u0301p", "phe\u0300p")
        ]

    def test_changed_words_in_a_row_are_one_hunk(self) -> None:
        assert words_of("the quick brown fox", "the slow red fox") == [("quick brown", "slow red")]

    def test_moved_paragraph_leaves_the_others_alone(self) -> None:
        paragraphs = [f"Paragraph number {n} says {n * 7}." for n in range(40)]
        moved = [*paragraphs[:5], *paragraphs[6:], paragraphs[5]]
        hunks = word_hunks("\n\n".join(paragraphs), "\n\n".join(moved))
        assert len(hunks) == 2

    def test_one_word_in_a_large_text_is_one_small_hunk(self) -> None:
        lines = [f"Line {n} of the rules, among many others." for n in range(50_000)]
        changed = lines.copy()
        changed[31_000] = changed[31_000].replace("rules", "customs")
        assert words_of("\n".join(lines), "\n".join(changed)) == [("rules", "customs")]

    @pytest.mark.parametrize("alphabet", ["ab", "abcdefghij"])
    def test_hopeless_texts_take_bounded_time(self, alphabet: str) -> None:
        old, new = ("\n".join(random.Random(seed).choices(alphabet, k=150_000)) for seed in (1, 2))
        hunks: list[Hunk] = []
        assert processor_seconds(lambda: hunks.extend(word_hunks(old, new)), rounds=1) < 8
        assert applied(old, new, hunks) == new


class TestUnified:
    @given(TEXTS, TEXTS)
    @settings(max_examples=examples(25))
    def test_patch_makes_the_new_text_of_the_old(
        self, tmp_path_factory: pytest.TempPathFactory, old: str, new: str
    ) -> None:
        folder = tmp_path_factory.mktemp("patch")
        assert patched(folder, old, unified(old, new, "old", "new")) == new

    def test_far_changes_are_hunks_of_their_own(self) -> None:
        lines = [f"line {n}\n" for n in range(40)]
        changed = [*lines[:4], "other\n", *lines[5:30], *lines[32:]]
        text = unified("".join(lines), "".join(changed), "a (version 1)", "a (version 2)")
        assert text.startswith("--- a (version 1)\n+++ a (version 2)\n@@ -2,7 +2,7 @@\n line 1\n")
        assert text.count("@@ ") == 2
        assert "-line 4\n+other\n" in text
        assert "-line 30\n-line 31\n" in text

    def test_same_texts_give_nothing(self) -> None:
        assert unified("a\nb", "a\nb", "a", "b") == ""


def patched(folder: Path, old: str, difference: str) -> str:
    """The file that git's `apply` makes of one."""
    path = folder / "old"
    path.write_bytes(old.encode())
    if not difference:
        return old
    text = difference.replace("--- old", "--- a/old").replace("+++ new", "+++ b/old")
    command = ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=folder, input=text.encode(), check=True, capture_output=True)
    return path.read_bytes().decode()
