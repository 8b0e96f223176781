"""Markdown (CommonMark and GitHub's tables), line by line."""

import re
from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import read_lines
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.html import markup_blocks
from citewell.engine.parsing.readers.inline import plain
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.readers.text import choose_file_encoding

# CommonMark 0.31, 4.2: one to six marks, then a space; closing marks are dropped.
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
# CommonMark, 4.3: the line under a heading. The same dashes alone are a rule (4.1).
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
# CommonMark, 4.5, with deeper indentation than its three spaces: fences stand inside lists.
_FENCE = re.compile(r"\s{0,12}(`{3,}|~{3,})([^`]*)")
# CommonMark, 4.1: three or more of one mark and nothing else.
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
# CommonMark, 5.2, and the check boxes of GitHub, which are dropped.
_ITEM = re.compile(r"(\s{0,40})([-*+]|\d{1,9}[.)])(?:[ \t]+(\[[ xX]\][ \t]+)?(.*))?")
_QUOTE = re.compile(r" {0,3}> ?")
# GitHub's tables: the line of dashes that makes the line above it a header.
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
# A bar with a backslash before it belongs to the cell.
_CELL_END = re.compile(r"(?<!\\)\|")
# CommonMark, 4.6, kinds 2 and 6: these lines are handed to the reader of HTML.
_HTML_BLOCK = re.compile(
    r" {0,3}(?:<!--|</?(?:address|article|aside|blockquote|center|details|dd|div|dl|dt|figure|"
    r"footer|form|h[1-6]|header|hr|iframe|li|main|nav|ol|p|pre|script|section|style|summary|table|"
    r"tbody|td|tfoot|th|thead|tr|ul)\b)",
    re.IGNORECASE,
)
# Definitions of links hold addresses, which a reader of the page does not see.
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]+)\]:[ \t]*\S")
_NOTE = re.compile(r" {0,3}\[\^[^\[\]]+\]:[ \t]*")
_CONTAINER = re.compile(r"\s{0,8}:{3,}[ \t]*[\w-]*.*|\s{0,4}(?:import|export) .+ from .+")
"""Marks of site generators: admonitions and MDX imports."""

# YAML or TOML at the head of a file, read line by line: nested values are left out rather than
# parsed.
_FRONT = re.compile(r"([A-Za-z_][\w -]{0,40})\s*[:=]\s*(.*)")
_FRONT_NAMES = {
    "author": "author",
    "authors": "author",
    "date": "created",
    "created": "created",
    "description": "description",
    "lang": "language",
    "language": "language",
    "tags": "keywords",
    "keywords": "keywords",
}
# Bounds the search for the closing dashes: a file that begins with a rule has no front matter.
_FRONT_LINES = 200
_LONGEST = 65_536


def read(source: ReaderInput) -> Reading:
    """Begin to read a Markdown file; front matter becomes metadata."""
    lines = read_lines(source.path, choose_file_encoding(source))
    front, rest = _split_front(lines)
    fields = _front_fields(front)
    metadata = {_FRONT_NAMES[name]: value for name, value in fields.items() if name in _FRONT_NAMES}
    info = DocumentInfo(source.mime_type, title=fields.get("title"), metadata=metadata)
    return Reading(info, _Lines().blocks(rest))


def _split_front(lines: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    first = next(lines, "")
    mark = first.strip()
    if mark not in ("---", "+++"):
        return [], _with_line([first], lines)
    front: list[str] = []
    for line in lines:
        if line.strip() == mark or (mark == "---" and line.strip() == "..."):
            return front, lines
        front.append(line)
        if len(front) > _FRONT_LINES:
            break
    return [], _with_line([first, *front], lines)


def _with_line(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    yield from first
    yield from rest


def _front_fields(front: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in front:
        found = _FRONT.fullmatch(line.rstrip())
        if found and found[2].strip("\"' []"):
            fields.setdefault(found[1].lower(), found[2].strip("\"' []"))
    return fields


class _Lines:
    """The state of one pass over the lines."""

    def __init__(self) -> None:
        self._part: list[str] = []
        self._held = 0
        self._kind = BlockKind.PARAGRAPH
        self._label = ""
        self._is_in_list = False

    def blocks(self, lines: Iterator[str]) -> Iterator[Block]:
        for line in lines:
            yield from self._take(line, lines)
        yield from self._end()

    def _take(self, line: str, lines: Iterator[str]) -> Iterator[Block]:
        while found := _QUOTE.match(line):
            line = line[found.end() :]
        if not line.strip():
            yield from self._end()
        elif fence := _FENCE.fullmatch(line):
            yield from self._end()
            yield from _code(lines, fence[1])
        elif self._is_indented_code(line):
            yield from self._indented_code(line, lines)
        elif heading := _ATX.fullmatch(line):
            yield from self._end()
            self._is_in_list = False
            yield Block(BlockKind.HEADING, plain(heading[2] or ""), level=len(heading[1]))
        elif self._part and (line_below := _SETEXT.fullmatch(line)) and self._is_plain:
            text, self._part = plain("\n".join(self._part)), []
            yield Block(BlockKind.HEADING, text, level=1 if line_below[1][0] == "=" else 2)
        elif self._part and _TABLE_RULE.fullmatch(line) and "|" in self._part[-1]:
            yield from self._table(lines)
        else:
            yield from self._take_text(line, lines)

    def _take_text(self, line: str, lines: Iterator[str]) -> Iterator[Block]:
        if _RULE.fullmatch(line) or _CONTAINER.fullmatch(line):
            yield from self._end()
        elif item := _ITEM.fullmatch(line):
            yield from self._end()
            self._is_in_list = True
            self._kind = BlockKind.LIST_ITEM
            self._label = f"{item[2]} " if item[2][0].isdigit() else ""
            self._part = [item[4] or ""]
        elif not self._part and _HTML_BLOCK.match(line):
            yield from markup_blocks(self._html_lines(line, lines))
        elif not self._part and (note := _NOTE.match(line)):
            self._part = [line[note.end() :]]
        elif not self._part and _DEFINITION.match(line):
            return
        else:
            if not line.startswith(" "):
                self._is_in_list = self._is_in_list and bool(self._part)
            self._part.append(line)
            self._held += len(line)
            if self._held > _LONGEST:
                yield from self._end()

    @property
    def _is_plain(self) -> bool:
        return self._kind is BlockKind.PARAGRAPH

    def _end(self) -> Iterator[Block]:
        text = plain("\n".join(line.strip() for line in self._part))
        if text.strip():
            joined = text if self._is_plain and _has_hard_breaks(self._part) else _flow(text)
            yield Block(self._kind, self._label + joined)
        self._part, self._held = [], 0
        self._kind, self._label = BlockKind.PARAGRAPH, ""

    def _is_indented_code(self, line: str) -> bool:
        return not self._part and not self._is_in_list and line.startswith(("    ", "\t"))

    def _indented_code(self, line: str, lines: Iterator[str]) -> Iterator[Block]:
        code = [line[4:] if line.startswith("    ") else line[1:]]
        for line in lines:
            if line.strip() and not line.startswith(("    ", "\t")):
                yield Block(BlockKind.CODE, "\n".join(code))
                yield from self._take(line, lines)
                return
            code.append(line[4:] if line.startswith("    ") else line.lstrip("\t"))
            # In pieces: a file that is indented by mistake is one block of code, however long.
            if len(code) % 500 == 0:
                yield Block(BlockKind.CODE, "\n".join(code))
                code = []
        yield Block(BlockKind.CODE, "\n".join(code))

    def _table(self, lines: Iterator[str]) -> Iterator[Block]:
        header = self._part.pop()
        yield from self._end()
        after: list[str] = []

        def rows() -> Iterator[list[str]]:
            yield _cells(header)
            for line in lines:
                if "|" not in line:
                    after.append(line)
                    return
                yield _cells(line)

        yield from table_blocks(rows())
        for line in after:
            yield from self._take(line, lines)

    def _html_lines(self, line: str, lines: Iterator[str]) -> Iterator[str]:
        yield line + "\n"
        is_comment = line.lstrip().startswith("<!--") and "-->" not in line
        for line in lines:
            if not line.strip() and not is_comment:
                return
            is_comment = is_comment and "-->" not in line
            yield line + "\n"


def _code(lines: Iterator[str], fence: str) -> Iterator[Block]:
    code: list[str] = []
    for line in lines:
        closing = line.strip()
        if closing.startswith(fence) and not closing.strip(fence[0]):
            break
        code.append(line)
        if len(code) == 500:
            yield Block(BlockKind.CODE, "\n".join(code))
            code = []
    yield Block(BlockKind.CODE, "\n".join(code))


def _cells(line: str) -> list[str]:
    cells = [plain(cell.replace("\\|", "|").strip()) for cell in _CELL_END.split(line.strip())]
    if cells and not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    return cells


def _has_hard_breaks(lines: list[str]) -> bool:
    return any(line.endswith(("  ", "\\")) for line in lines[:-1])


def _flow(text: str) -> str:
    return " ".join(text.split())
