import pytest

from citewell.engine.parsing.base import BlockKind, ParseError, ParseFailure
from citewell.engine.parsing.testing import TextParser


class TestTextParser:
    async def test_text_gives_headings_and_paragraphs(self, tmp_path):
        path = tmp_path / "a.md"
        path.write_text("# Title\n\nFirst line\nof two.\n\n## Part\n\nEnd.")
        async with TextParser().open(path, "a.md") as document:
            assert document.info.title == "Title"
            blocks = [block async for block in document.blocks()]
        assert [(b.kind, b.text, b.level) for b in blocks] == [
            (BlockKind.HEADING, "Title", 1),
            (BlockKind.PARAGRAPH, "First line\nof two.", 0),
            (BlockKind.HEADING, "Part", 2),
            (BlockKind.PARAGRAPH, "End.", 0),
        ]

    async def test_empty_text_fails_as_the_real_one(self, tmp_path):
        (tmp_path / "a.txt").touch()
        with pytest.raises(ParseError) as caught:
            async with TextParser().open(tmp_path / "a.txt", "a.txt"):
                pass
        assert caught.value.code is ParseFailure.EMPTY
