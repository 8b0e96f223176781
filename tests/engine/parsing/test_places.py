"""Generated files in which every quote has its page and every cell its name."""

import random
from collections.abc import Iterator, Sequence

import pytest
from paged_files import paged, workbook, write_workbook
from sheet_files import WRITERS

from citewell.engine.parsing.base import Block, BlockKind


def pages_of(blocks: Sequence[Block], quote: str) -> set[int]:
    """Pages of a quote; it has to stand in one block, whatever its spaces."""
    wanted = "".join(quote.split())
    for block in blocks:
        placed = [
            (letter, (block.page or 0) + sum(end <= at for end in block.breaks))
            for at, letter in enumerate(block.text)
            if not letter.isspace()
        ]
        start = "".join(letter for letter, _ in placed).find(wanted)
        if start >= 0:
            return {page for _, page in placed[start : start + len(wanted)]}
    return set()


def named_rows(blocks: Sequence[Block]) -> Iterator[dict[str, str]]:
    for block in blocks:
        if block.kind is BlockKind.TABLE:
            lines = [line.split(" | ") for line in block.text.splitlines()]
            yield from (dict(zip(lines[0], line, strict=False)) for line in lines[1:])


class TestPages:
    def wrong(self, read, folder, seed: int, rounds: int) -> tuple[int, list[str]]:
        count, wrong = 0, []
        for made in paged(seed, rounds):
            kind = made.name if made.name in ("pptx", "odp") else "pdf"
            _, blocks = read(made.write(folder / f"a.{kind}"))
            count += len(made.quotes)
            wrong += [
                f"{made.name}: {quote} stands on {pages}, said {found}"
                for quote, pages in made.quotes.items()
                if (found := pages_of(blocks, quote)) != pages
            ]
        return count, wrong

    def test_every_quote_is_on_its_page(self, read, tmp_path):
        count, wrong = self.wrong(read, tmp_path, 15, 1)
        assert (count, wrong) == (74, [])

    @pytest.mark.slow
    def test_so_are_two_hundred(self, read, tmp_path):
        count, wrong = self.wrong(read, tmp_path, 16, 3)
        assert count >= 200
        assert wrong == []


class TestCells:
    def wrong(self, read, folder, seed: int, count: int) -> list[str]:
        draw, wrong = random.Random(seed), []
        kinds = [*WRITERS, "csv"]
        for number in range(count):
            made = workbook(draw, kinds[number % len(kinds)])
            _, blocks = read(write_workbook(folder / f"a.{made.kind}", made, draw))
            found = list(named_rows(blocks))
            if found != made.rows:
                wrong.append(f"{made.kind}: expected {made.rows}, read {found}")
            text = "\n".join(block.text for block in blocks)
            wrong += [f"{made.kind}: {each} is hidden" for each in made.hidden if each in text]
        return wrong

    def test_every_cell_has_its_name_and_value(self, read, tmp_path):
        assert self.wrong(read, tmp_path, 15, 20) == []

    @pytest.mark.slow
    def test_so_have_those_of_a_hundred_workbooks(self, read, tmp_path):
        assert self.wrong(read, tmp_path, 16, 100) == []
