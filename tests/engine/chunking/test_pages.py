"""The page of a citation is the page of its quote."""

import random
from pathlib import Path

from citewell.engine.chunking.base import Chunk, ChunkSizes
from citewell.engine.chunking.pages import breaks_within, pages_of
from citewell.engine.chunking.registry import create_chunker
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.wire import pack_blocks, unpack_blocks
from tests.document_files import (
    paragraph,
    slide_shape,
    write_docx,
    write_odf,
    write_pdf,
    write_pptx,
)

STRATEGIES = ("structure", "sentence", "fixed", "semantic", "legal_vi")
PLACES = ("yard", "hall", "office", "store", "kitchen", "garage", "roof", "cellar")


def cut(path: Path, strategy: str) -> list[Chunk]:
    _, blocks = read_document(path, path.name, ParseLimits())
    chunker = create_chunker(strategy, lambda texts: [len(t.split()) for t in texts], ChunkSizes())
    carried = unpack_blocks(pack_blocks(list(blocks)))
    chunks = [chunk for block in carried for chunk in chunker.feed(block)]
    return [*chunks, *chunker.finish()]


def pages(chunks: list[Chunk], quote: str) -> tuple[int | None, int | None]:
    chunk = next(chunk for chunk in chunks if quote in chunk.text)
    at = chunk.text.index(quote)
    return pages_of(chunk.page, chunk.page_breaks, at, at + len(quote))


def facts(count: int) -> list[list[str]]:
    """Pages with some facts each."""
    chance = random.Random(4)
    return [
        [
            f"{' '.join(chance.sample(PLACES, 3)).title()}: key {page}-{n}."
            for n in range(chance.randint(1, 2))
        ]
        for page in range(count)
    ]


RENDERED = "<w:r><w:lastRenderedPageBreak/></w:r>"


class TestPagesOfQuotes:
    def test_every_fact_names_its_page_in_every_format_and_strategy(self, tmp_path):
        told = facts(14)
        word = "".join(
            paragraph(fact).replace("<w:r>", RENDERED + "<w:r>", 1 if page and not number else 0)
            for page, group in enumerate(told)
            for number, fact in enumerate(group)
        )
        office = "".join(
            ("<text:soft-page-break/>" if page and not number else "") + f"<text:p>{fact}</text:p>"
            for page, group in enumerate(told)
            for number, fact in enumerate(group)
        )
        files = [
            write_pptx(tmp_path / "a.pptx", ["".join(map(slide_shape, group)) for group in told]),
            write_pdf(tmp_path / "a.pdf", told),
            write_docx(tmp_path / "a.docx", word),
            write_odf(tmp_path / "a.odt", "text", office),
            write_odf(
                tmp_path / "a.odp",
                "presentation",
                "".join(
                    "<draw:page >" + "".join(f"<text:p>{f}</text:p>" for f in group)
                    + "</draw:page>" for group in told
                ),
            ),
        ]  # fmt: skip
        for path in files:
            for strategy in STRATEGIES:
                chunks = cut(path, strategy)
                for page, group in enumerate(told, 1):
                    for fact in group:
                        if strategy == "fixed" and not any(fact in c.text for c in chunks):
                            continue
                        assert pages(chunks, fact) == (page, page), (path.suffix, strategy, fact)

    def test_quote_over_two_pages_names_both(self, tmp_path):
        broken = "The lost property office is in<w:lastRenderedPageBreak/>room E12. It opens at 9."
        body = paragraph(broken.replace("in<", "in </w:t><").replace("/>room", "/><w:t>room"))
        _check_halves(cut(write_docx(tmp_path / "a.docx", body), "structure"))
        text = "<text:p>The lost property office is in <text:soft-page-break/>room E12. It opens at"
        _check_halves(cut(write_odf(tmp_path / "a.odt", "text", text + " 9.</text:p>"), "sentence"))
        lines = [["The lost property office is in"], ["room E12. It opens at 9."]]
        _check_halves(cut(write_pdf(tmp_path / "a.pdf", lines), "structure"))

    def test_table_over_pages_names_the_page_of_its_row(self, tmp_path):
        row = "<table:table-row><table:table-cell><text:p>{}</text:p></table:table-cell><table:table-cell><text:p>{}</text:p></table:table-cell></table:table-row>"  # noqa: E501
        rows = [row.format("Item", "Price"), row.format("Pump", 5), "<text:soft-page-break/>"]
        body = "".join([*rows, row.format("Valve", 7)])
        path = write_odf(
            tmp_path / "a.odt", "text", f"<table:table>{body}</table:table><text:p>End.</text:p>"
        )
        chunks = cut(path, "structure")
        assert pages(chunks, "Pump | 5") == (1, 1)
        assert pages(chunks, "Valve | 7") == pages(chunks, "End.") == (2, 2)


def _check_halves(chunks: list[Chunk]) -> None:
    assert pages(chunks, "The lost property office is in room E12.") == (1, 2)
    assert pages(chunks, "The lost property office") == (1, 1)
    assert pages(chunks, "It opens at 9.") == (2, 2)


class TestPagesOf:
    def test_breaks_at_the_edges_belong_to_what_follows(self):
        assert pages_of(3, (10, 10, 20), 0, 10) == (3, 3)
        assert pages_of(3, (10, 10, 20), 10, 20) == (5, 5)
        assert pages_of(3, (10, 10, 20), 5, 25) == (3, 6)
        assert pages_of(None, (10,), 5, 25) == (None, None)
        assert breaks_within((0, 4, 9), 2, 9) == (2,)
