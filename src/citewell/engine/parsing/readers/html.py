"""HTML: the text that a reader of the page sees, without navigation, streamed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import decoded_chunks
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import LEVEL, LOWER, RAISE
from citewell.engine.parsing.readers import html_styles as styles
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.grids import Grid
from citewell.engine.parsing.readers.html_forms import Choices, shown_value
from citewell.engine.parsing.readers.mathml import FormulaBuilder, Unseen
from citewell.engine.parsing.readers.text import choose_file_encoding
from citewell.engine.parsing.readers.word_styles import counted

_NEVER = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "object",
        "iframe",
        "canvas",
        "audio",
        "video",
        "select",
        "button",
        "datalist",
        "dialog",
        "map",
        "rt",
        "rp",
    }
)
"""Elements whose content is not text of the page."""

# Not `header`: sites put the article's own title and lead into it.
_BOILERPLATE_TAGS = frozenset({"nav", "footer", "aside"})
_BOILERPLATE_ROLES = frozenset({"navigation", "contentinfo", "search", "banner", "complementary"})
_BOILERPLATE_CLASSES = frozenset({"headerlink", "sr-only", "visually-hidden", "noprint"})
"""Marks of parts that repeat on every page of a site (HTML5 sections, ARIA landmarks)."""

# Elements without an end tag (WHATWG HTML, 13.1.2): they must not open anything.
_VOID = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    }
)

_BLOCK_TAGS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    }
)

_HEADINGS = {f"h{level}": level for level in range(1, 7)}

_READINGS = (["rt"], ["rp"])
"""How characters are read, in small type over them (WHATWG, 4.5.12): no part of the sentence."""

_META = {
    "author": "author",
    "description": "description",
    "keywords": "keywords",
    "date": "created",
    "article:published_time": "created",
    "dcterms.created": "created",
}

_MOST_LINKS = 100
"""Style sheets of a page that are read."""

_HEAD_CHARS = 512 * 1024
"""Characters that are read to find the title before the first block is passed on."""


def read(source: ReaderInput) -> Reading:
    """Begin to read a page; one that consists of navigation only is read whole."""
    blocks = _file_blocks(source, page := HtmlBlockParser(findings=source.findings))
    first = next(blocks, None)
    # A page whose whole content stands in `nav` or `aside` is still a document.
    if first is None:
        page = HtmlBlockParser(keeps_all=True, findings=source.findings)
        blocks = _file_blocks(source, page)
        first = next(blocks, None)
    info = DocumentInfo(source.mime_type, title=page.title, metadata=page.metadata)
    return Reading(info, _with_first(first, blocks))


def _with_first(first: Block | None, blocks: Iterator[Block]) -> Iterator[Block]:
    if first is not None:
        yield first
        yield from blocks


def _file_blocks(source: ReaderInput, page: "HtmlBlockParser") -> Iterator[Block]:
    encoding = choose_file_encoding(source, is_markup=True)
    with source.path.open("rb") as file:
        yield from markup_blocks(decoded_chunks(file, encoding), page)


def markup_blocks(chunks: Iterable[str], page: "HtmlBlockParser | None" = None) -> Iterator[Block]:
    """Yield the blocks of a page given in pieces."""
    page = page or HtmlBlockParser()
    for chunk in chunks:
        page.feed(chunk)
        if page.is_past_head:
            yield from page.take()
    page.finish()
    yield from page.take()


@dataclass(slots=True)
class _Lists:
    """Counters of the open lists: None for bullets."""

    counters: list[int | None] = field(default_factory=list[int | None])
    kinds: list[str] = field(default_factory=list[str])
    steps: list[int] = field(default_factory=list[int])

    def begin(self, tag: str, values: dict[str, str]) -> None:
        # A list that counts down from its number of items says it only at its end.
        known = tag == "ol" and ("reversed" not in values or bool(values.get("start")))
        self.counters.append(_integer(values.get("start", ""), 1) if known else None)
        self.steps.append(-1 if "reversed" in values else 1)
        self.kinds.append(_OL_TYPES.get(values.get("type", ""), "decimal"))

    def end(self) -> None:
        if self.counters:
            self.counters.pop()
            self.kinds.pop()
            self.steps.pop()

    def label(self, value: str) -> str:
        if not self.counters or self.counters[-1] is None:
            return ""
        number = _integer(value, self.counters[-1])
        self.counters[-1] = number + self.steps[-1]
        return f"{counted(number, self.kinds[-1], repeats=False)}. "


_OL_TYPES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}


def _integer(value: str, missing: int) -> int:
    return int(value) if value.isdecimal() and 0 < len(value) < 7 else missing


class HtmlBlockParser(HTMLParser):
    """Gathers blocks while markup is fed in; never builds a tree, so depth costs nothing.

    Text belongs to the block begun last; every block-level tag, opening or closing, ends it.
    """

    def __init__(
        self,
        *,
        keeps_all: bool = False,
        findings: Findings | None = None,
        sheet_of: Callable[[str], str] | None = None,
    ) -> None:
        """Begin a page.

        Args:
            keeps_all: Keep navigation, footers and the like.
            findings: Counts the text of the page.
            sheet_of: Gives the text of a style sheet that the page links, empty if there is none.
        """
        self._sheet_of = sheet_of
        self._findings = findings
        self._source = findings.source if findings else None
        self._keeps_hidden = findings is not None and findings.keeps_hidden
        self._formula: FormulaBuilder | None = None
        self._hides = False
        """Whether what is skipped is hidden, rather than no text of the page."""
        self._hidden: list[str] = []
        self._never: list[str] = []
        """Open elements within the hidden ones whose content is no text."""
        self._choices: Choices | None = None
        """Of the list of a form that is read now."""
        self._linked: set[str] = set()
        """Style sheets that were read."""
        super().__init__(convert_charrefs=True)
        self.title: str | None = None
        self.metadata: dict[str, str] = {}
        self._keeps_all = keeps_all
        self._blocks: list[Block] = []
        self._text: list[str] = []
        self._fed = 0
        self._skipped: list[str] = []
        self._held = 0
        """Lists and tables that are open within what is skipped."""
        self._in_title = False
        self._level = 0
        self._preformatted = 0
        self._items = 0
        self._label = ""
        self._lists = _Lists()
        self._grids: list[Grid] = []
        self._rules = styles.StyleRules()
        self._shifted: list[tuple[str, int]] = []
        """Open elements that raise or lower their text, with the elements of their name inside."""

    @property
    def is_past_head(self) -> bool:
        """Whether the title is known or will not be waited for any longer."""
        return self.title is not None or self._fed > _HEAD_CHARS

    def feed(self, data: str) -> None:
        self._fed += len(data)
        self._rules.look_ahead(data)
        super().feed(data)

    def take(self) -> list[Block]:
        """The blocks finished since the last call."""
        blocks, self._blocks = self._blocks, []
        return blocks

    def finish(self) -> None:
        """Note the end of the page."""
        self.close()
        self._end_formula()
        while self._skipped:
            self._end_skipped()
        while self._grids:
            self._close_grid()
        self._end_block()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._formula is not None:
            self._formula.start(tag, {name: value or "" for name, value in attrs})
            return
        if self._skipped == ["p"] and tag in _BLOCK_TAGS:
            self._end_skipped()  # the end tag of a paragraph may be left out
        if self._skipped in _READINGS and (tag in _BLOCK_TAGS or tag in ("rb", "rt", "rp")):
            self._end_skipped()  # and that of a reading
        if self._skipped and not self._held and tag in styles.ENDED_BY.get(self._skipped[0], ()):
            self._end_skipped()
        values = {name: value or "" for name, value in attrs}
        if self._skipped:
            self._held += tag in styles.HOLDERS
            self._skip(tag, values)
            return
        if self._is_skipped(tag, values):
            if tag not in _VOID:
                self._skipped.append(tag)
                self._held = 0
                is_hidden = self._is_hidden(tag, values)
                self._hides = tag not in _NEVER and is_hidden
                self._choices = Choices() if tag == "select" and not is_hidden else None
            return
        if mark := self._shift(tag, values):
            self._text.append(mark)
            self._shifted.append((tag, 1))
        elif self._shifted and tag == self._shifted[-1][0]:
            self._shifted[-1] = (tag, self._shifted[-1][1] + 1)
        if tag in _BLOCK_TAGS:
            self._begin_block(tag, values)
        else:
            self._note(tag, values)

    def _skip(self, tag: str, values: dict[str, str]) -> None:
        """Note a start tag within what is skipped."""
        if tag in _VOID:
            return
        if self._choices and tag == "option":
            self._choices.option(values)
        if tag == self._never[0] if self._never else tag in _NEVER:
            self._never.append(tag)
        if tag == self._skipped[0] and not (self._held and tag in styles.ENDED_BY):
            self._skipped.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._formula is not None:
            self.handle_endtag(tag)  # within a formula the slash means what it says
        # HTML ignores the slash of `<div/>`, but what is skipped must not be skipped for ever.
        if self._skipped and self._skipped[-1] == tag:
            self._end_skipped()

    def handle_endtag(self, tag: str) -> None:
        if self._formula is not None:
            if self._formula.end(tag) or tag in _BLOCK_TAGS:
                self._end_formula()
            return
        if self._skipped in _READINGS and (tag in _BLOCK_TAGS or tag == "ruby"):
            self._end_skipped()
        if self._skipped and tag in styles.HOLDERS and self._held:
            self._held -= 1
        elif self._skipped and tag in styles.ENDED_WITH.get(self._skipped[0], ()):
            self._end_skipped()
        if self._skipped:
            if self._never and tag == self._never[0]:
                self._never.pop()
            if self._choices and tag == "option":
                self._choices.end_option()
            if tag == self._skipped[0] and not (self._held and tag in styles.ENDED_BY):
                self._end_skipped()
            return
        self._end_shift(tag)
        self._rules.end(tag)
        if tag == "title":
            self._in_title = False
        elif tag in _BLOCK_TAGS:
            self._finish_block(tag)

    def _end_formula(self) -> None:
        if self._formula is not None:
            unseen = Unseen(self._hides_part, self._hidden_formula)
            text, self._formula = self._formula.text(unseen), None
            if self._source:
                self._source.add(text)
            self._text.append(text)

    def _hides_part(self, part: ET.Element) -> bool:
        return self._is_hidden(part.tag, part.attrib)

    def _hidden_formula(self, text: str) -> str:
        return self._findings.hide(text) if self._findings and self._keeps_hidden else ""

    def handle_data(self, data: str) -> None:
        if self._formula is not None:
            self._formula.data(data)
            return
        if self._skipped:
            if "style" in (self._skipped[0], *self._never[:1]):
                self._rules.add(data)
            elif self._choices:
                self._choices.data(data)
            elif self._hides and self._keeps_hidden and not self._never:
                self._hidden.append(data)
            return
        if self._in_title:
            self.title = (self.title or "") + data
            return
        if self._source:
            self._source.add(data)
        if self._preformatted:
            self._text.append(data)
        elif data.isspace():
            self._text.append(" ")
        else:
            self._text.append(data.replace("\n", " ").replace("\r", " "))

    def _is_skipped(self, tag: str, values: dict[str, str]) -> bool:
        if tag not in _VOID or tag == "link":
            self._rules.begin(tag, values)
        if tag in _NEVER:
            return True
        if tag in ("html", "body", "main"):
            return False
        if self._is_hidden(tag, values):
            return True
        return not self._keeps_all and (
            tag in _BOILERPLATE_TAGS
            or values.get("role", "").lower() in _BOILERPLATE_ROLES
            or values.get("aria-hidden") == "true"
            or not _BOILERPLATE_CLASSES.isdisjoint(values.get("class", "").split())
        )

    def _is_hidden(self, tag: str, values: dict[str, str]) -> bool:
        return "hidden" in values or self._rules.hides(tag, values)

    def _end_skipped(self) -> None:
        tag = self._skipped.pop()
        if not self._skipped:
            self._rules.end(tag)
            self._never = []
            if self._choices:
                self._show(self._choices.text)
                self._choices = None
        if not self._skipped and self._hidden and self._findings:
            hidden, self._hidden = " ".join("".join(self._hidden).split()), []
            space = " " if tag in _BLOCK_TAGS else ""
            self._text.append(f"{space}{self._findings.hide(hidden)}{space}")

    def _show(self, value: str) -> None:
        """Take the value of a field, apart from the words around it."""
        if value:
            if self._source:
                self._source.add(value)
            self._text.append(f" {value} ")

    def _shift(self, tag: str, values: dict[str, str]) -> str:
        """The mark before raised or lowered text that an element holds."""
        if tag in _VOID or tag in _BLOCK_TAGS:
            return ""
        place = self._rules.vertical_align(tag, values)
        # The role of a note's mark in the text (DPUB-ARIA 1.1), raised or not.
        if values.get("role", "").lower() == "doc-noteref" and not place:
            return RAISE
        if place == "super" or (tag == "sup" and not place):
            return RAISE
        return LOWER if place == "sub" or (tag == "sub" and not place) else ""

    def _end_shift(self, tag: str) -> None:
        # A block that begins or ends within raised text ends it.
        if self._shifted and tag in _BLOCK_TAGS:
            self._shifted = []
            return
        if not self._shifted or self._shifted[-1][0] != tag:
            return
        _, count = self._shifted.pop()
        if count > 1:
            self._shifted.append((tag, count - 1))
        else:
            self._text.append(LEVEL)

    def _note(self, tag: str, values: dict[str, str]) -> None:
        """Take what an element without text says."""
        match tag:
            case "math":
                self._formula = FormulaBuilder()
            case "br":
                self._text.append("\n")
            case "title":
                self._in_title = True
            case "input":
                self._show(shown_value(values))
            case "meta":
                self._note_meta(values)
            case "link" if self._sheet_of and "stylesheet" in values.get("rel", "").lower():
                self._link(self._sheet_of, values.get("href", ""))
            case _:
                return

    def _link(self, sheet_of: Callable[[str], str], target: str) -> None:
        """Take a style sheet, once: with each more of them all rules are read again."""
        if target in self._linked or len(self._linked) >= _MOST_LINKS:
            return
        self._linked.add(target)
        if sheet := sheet_of(target):
            self._rules.add(f"{sheet}\n")

    def _note_meta(self, values: dict[str, str]) -> None:
        name = (values.get("name") or values.get("property") or "").lower()
        if name in _META and values.get("content"):
            self.metadata.setdefault(_META[name], values["content"])

    def _begin_block(self, tag: str, values: dict[str, str]) -> None:
        if tag in ("table", "tr", "td", "th"):
            self._begin_table_part(tag, values)
            return
        self._end_block()
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
            self._make_layout()
        elif tag == "pre":
            self._preformatted += 1
            self._make_layout()
        elif tag in ("ul", "ol"):
            self._lists.begin(tag, values)
        elif tag == "li":
            self._items = max(len(self._lists.counters), 1)
            self._label = self._lists.label(values.get("value", ""))
        elif tag in ("dt", "dd"):
            # The end tags of both may be left out.
            self._items = 1 if tag == "dd" else len(self._lists.counters)

    def _finish_block(self, tag: str) -> None:
        if tag in ("table", "tr", "td", "th"):
            if tag == "table" and self._grids:
                self._end_cell()
                self._close_grid()
            return
        self._end_block()
        if tag in _HEADINGS:
            self._level = 0
        elif tag == "pre":
            self._preformatted = max(self._preformatted - 1, 0)
        elif tag in ("ul", "ol"):
            self._lists.end()
            self._items = len(self._lists.counters)
        elif tag in ("li", "dd", "dl"):
            self._items = 0 if tag == "dd" else len(self._lists.counters)
            self._label = ""

    def _begin_table_part(self, tag: str, values: dict[str, str]) -> None:
        if tag == "table":
            if not (self._grids and self._grids[-1].is_data):
                self._make_layout()
            self._end_block()
            self._grids.append(Grid())
            return
        self._end_cell()
        if not self._grids:
            return
        grid = self._grids[-1]
        if tag == "tr":
            self._blocks += grid.begin_row()
        else:
            spans = values.get("colspan", ""), values.get("rowspan", "")
            grid.begin_cell(*spans, is_name=tag == "th")

    def _end_cell(self) -> None:
        if self._grids and not self._grids[-1].is_layout:
            self._grids[-1].add_text(self._take_text())
            self._grids[-1].end_cell()
        else:
            self._end_block()

    def _make_layout(self) -> None:
        """Turn the open table into layout: one with headings, code or a table inside is no data."""
        if self._grids and not self._grids[-1].is_layout:
            self._grids[-1].add_text(self._take_text())
            self._blocks += self._grids[-1].dissolve()

    def _close_grid(self) -> None:
        grid = self._grids.pop()
        if self._grids and not self._grids[-1].is_layout:
            self._grids[-1].add_text(grid.in_line())
        else:
            self._blocks += grid.close()

    def _take_text(self) -> str:
        text, self._text = "".join(self._text), []
        return text

    def _end_block(self) -> None:
        text = self._take_text()
        if self._grids and not self._grids[-1].is_layout:
            self._grids[-1].add_text(text)
            return
        if not text.strip():
            return
        if self._preformatted:
            self._blocks.append(Block(BlockKind.CODE, text.strip("\n")))
        elif self._level:
            self._blocks.append(Block(BlockKind.HEADING, text, level=self._level))
        elif self._items:
            self._blocks.append(Block(BlockKind.LIST_ITEM, self._label + text.strip()))
            self._label = ""
        else:
            self._blocks.append(Block(BlockKind.PARAGRAPH, text))
