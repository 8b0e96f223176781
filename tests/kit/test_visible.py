import io

import pytest
from rich.table import Table
from rich.text import Text

from citewell.entrypoints.commands.running import HarmlessConsole
from citewell.kit.visible import harmless, visible_line, visible_text

HOSTILE = "a\x1b[31mb\x9b5mc\u202ed\u2066e\u200bf\U000e0041g\x07\x1b]8;;http://evil\x1b\\h"


class TestVisible:
    def test_what_nobody_sees_is_taken_out_of_names(self) -> None:
        assert visible_line(HOSTILE) == "a[31mb5mcdefg]8;;http://evil\\h"
        assert visible_line(" Hợp\u2028đồng\r\n 2 ") == "Hợp đồng  2"
        assert visible_text("a\nb\u202e") == "a\nb"
        assert visible_line("") == ""
        for nothing in ("\u200b", "\x00", " \u202e"):
            with pytest.raises(ValueError, match=r"visible|NUL"):
                visible_line(nothing)

    def test_persian_and_emoji_keep_their_joiners(self) -> None:
        for text in ("می‌خواهم", "👩‍💻"):
            assert visible_line(text) == text

    def test_output_keeps_lines_and_tabs(self) -> None:
        assert harmless("a\tb\nc\x1b[2J") == "a\tb\nc[2J"


class TestConsole:
    def test_nothing_printed_steers_the_terminal(self) -> None:
        file = io.StringIO()
        console = HarmlessConsole(file=file, force_terminal=True, width=200, highlight=False)
        console.print(HOSTILE, markup=False)
        console.print(Text(HOSTILE), style="red")
        table = Table("name")
        table.add_row(Text(HOSTILE))
        console.print(table)
        shown = file.getvalue()
        # Its own colours are there, nothing of the text's.
        assert "\x1b[31m" in shown
        own = shown.replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\x1b[1m", "")
        assert "\x1b" not in own
        assert not set(own) & set("\x9b\u202e\u2066\u200b\U000e0041\x07")
