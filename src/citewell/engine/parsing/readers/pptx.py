"""PowerPoint: slide by slide; titles, text, tables, charts and notes.

Source: ECMA-376 part 1, sections 19 (PresentationML), 20 and 21 (DrawingML).
"""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import parse_part, spared_part
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import hidden, lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.charts import chart_blocks
from citewell.engine.parsing.readers.formulas import formula_text
from citewell.engine.parsing.readers.ooxml import (
    Relation,
    attribute,
    child,
    is_on,
    local,
    main_part,
    properties,
    relations,
    spared_relations,
    walk,
)
from citewell.engine.parsing.readers.tables import COVERED, table_blocks
from citewell.engine.parsing.readers.word_styles import counted

_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
"""Placeholders that repeat on every slide."""

_BODIES = frozenset({"body", "obj", "subTitle", None})


def read(source: ReaderInput) -> Reading:
    """Begin to read a presentation."""
    with zipfile.ZipFile(source.path) as archive:
        main = main_part(archive)
        known = relations(archive, main)
        slides = [
            known[number].part
            for item in parse_part(archive, main).iter()
            if local(item.tag) == "sldId" and (number := _relation_id(item)) in known
        ]
        title, metadata = properties(archive)
    info = DocumentInfo(source.mime_type, title, len(slides), metadata)
    return Reading(info, _blocks(source, slides))


def _relation_id(item: ET.Element) -> str:
    return next((value for key, value in item.attrib.items() if key.endswith("}id")), "")


def _blocks(source: ReaderInput, slides: list[str]) -> Iterator[Block]:
    with zipfile.ZipFile(source.path) as archive:
        for number, part in enumerate(slides, 1):
            yield from _slide(archive, part, number, source.findings)


def _slide(archive: zipfile.ZipFile, part: str, number: int, findings: Findings) -> Iterator[Block]:
    known = spared_relations(archive, part, findings)
    slide = parse_part(archive, part)
    if not is_on(slide.get("show", "1")):
        # Its text is of no layer, so nothing is taken off it.
        findings.hidden_chars += len(_text_of_all(slide))
        if findings.keeps_hidden:
            for block in _shapes(archive, slide, known, number, findings):
                yield replace(block, text=hidden(block.text))
        return
    yield from _shapes(archive, slide, known, number, findings)
    notes = next((r.part for r in known.values() if r.kind == "notesSlide"), None)
    said = spared_part(archive, notes, findings)
    if said is not None:
        for block in _shapes(archive, said, {}, number, findings):
            yield Block(BlockKind.PARAGRAPH, block.text, number)
    for relation in known.values():
        if relation.kind == "comments":
            yield from _comments(spared_part(archive, relation.part, findings), number)


def _comments(root: ET.Element | None, number: int) -> Iterator[Block]:
    """Remarks on a slide, in the form of old and of new PowerPoint (ECMA-376, 19.4; [MS-PPTX])."""
    for remark in root.iter() if root is not None else ():
        if local(remark.tag) in ("cm", "reply"):
            own = child(remark, "text")
            body = child(remark, "txBody")
            text = (own.text or "") if own is not None else ""
            text = _text_of_all(body) if body is not None else text
            if shown := comment_text("", text):
                yield Block(BlockKind.LIST_ITEM, shown, number)


def _shapes(
    archive: zipfile.ZipFile,
    slide: ET.Element,
    known: dict[str, Relation],
    number: int,
    findings: Findings,
) -> Iterator[Block]:
    for shape in _seen_shapes(slide):
        match local(shape.tag):
            case "sp" | "graphicFrame" | "grpSp" if _is_hidden(shape):
                if text := findings.hide(_text_of_all(shape)):
                    yield Block(BlockKind.PARAGRAPH, text, number)
            case "sp":
                yield from _text_shape(shape, number)
            case "tbl":
                yield from table_blocks(_table_rows(shape), number)
            case "chart":
                # Once, however many references to it there are.
                relation = known.pop(_relation_id(shape), None)
                root = spared_part(archive, relation.part, findings) if relation else None
                if root is not None:
                    yield from chart_blocks(root, number)
            case "relIds":
                relation = known.pop(attribute(shape, "dm") or "", None)
                root = spared_part(archive, relation.part, findings) if relation else None
                yield from _diagram(root, number)
            case _:
                continue


def _seen_shapes(slide: ET.Element) -> Iterator[ET.Element]:
    """Walk the shapes; of a hidden one nothing below it."""
    hidden = {id(shape) for shape in slide.iter() if _is_hidden(shape)}
    stack = [iter(slide)]
    while stack:
        part = next(stack[-1], None)
        if part is None:
            stack.pop()
            continue
        if local(part.tag) == "AlternateContent" and (chosen := child(part, "Choice")) is not None:
            part = chosen
        yield part
        if id(part) not in hidden and local(part.tag) not in ("sp", "tbl"):
            stack.append(iter(part))


def _text_shape(shape: ET.Element, number: int) -> Iterator[Block]:
    body = child(shape, "txBody")
    placeholder = child(shape, "nvSpPr", "nvPr", "ph")
    kind = None if placeholder is None else placeholder.get("type")
    if body is None or kind in _FURNITURE:
        return
    paragraphs = [part for part in body if local(part.tag) == "p"]
    if kind in ("title", "ctrTitle"):
        yield Block(BlockKind.HEADING, " ".join(map(_text, paragraphs)), number, level=1)
        return
    is_body = placeholder is not None and kind in _BODIES and len(paragraphs) > 1
    labels = _Labels()
    for paragraph in paragraphs:
        is_item = _is_item(paragraph, by_default=is_body)
        text = _text(paragraph)
        if text.strip():
            text = labels.next(child(paragraph, "pPr")) + text
        yield Block(BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, text, number)


_ENDS = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Plain": "{}"}
_NUMBERS = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter",
    "romanLc": "lowerRoman", "romanUc": "upperRoman",
}  # fmt: skip


class _Labels:
    """Counts the automatic numbers of a shape's paragraphs (ECMA-376, 21.1.2.4.1)."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[str, str, int]] = {}
        """Level -> scheme, first number and last number of the list that goes on in it."""

    def next(self, settings: ET.Element | None) -> str:
        """The label of the next paragraph and a space; empty if it has no number."""
        value = "" if settings is None else settings.get("lvl", "")
        level = int(value) if value.isdecimal() else 0
        # Deeper paragraphs interrupt no list; higher ones end it.
        self._counts = {at: count for at, count in self._counts.items() if at <= level}
        scheme = None if settings is None else child(settings, "buAutoNum")
        if scheme is None:
            self._counts.pop(level, None)
            return ""
        kind, start = scheme.get("type", ""), scheme.get("startAt", "1")
        known = self._counts.get(level)
        number = int(start) if start.isdecimal() and len(start) < 6 else 1
        if known is not None and known[:2] == (kind, start):
            number = known[2] + 1
        self._counts[level] = (kind, start, number)
        shape = next((shown for end, shown in _ENDS.items() if kind.endswith(end)), "{}.")
        names = (name for begin, name in _NUMBERS.items() if kind.startswith(begin))
        return shape.format(counted(number, next(names, "decimal"))) + " "


def _is_item(paragraph: ET.Element, *, by_default: bool) -> bool:
    settings = child(paragraph, "pPr")
    marks = {local(part.tag) for part in settings} if settings is not None else set[str]()
    if "buNone" in marks:
        return False
    return by_default or bool(marks & {"buChar", "buAutoNum", "buBlip"})


def _text(paragraph: ET.Element) -> str:
    parts: list[str] = []
    shift = 0
    for part in walk(paragraph, lambda name: name == "oMath"):
        match local(part.tag):
            case "r" | "fld":
                shift = _shift(part)
            case "t":
                text = part.text or ""
                if shift:
                    text = raised(text) if shift > 0 else lowered(text)
                parts.append(text)
            case "br":
                parts.append("\n")
            case "tab":
                parts.append(" ")
            case "oMath":
                parts.append(formula_text(part))
            case _:
                continue
    return "".join(parts)


def _shift(run: ET.Element) -> int:
    """Height of a run above the line, in thousandths of its size (ECMA-376, 21.1.2.3.9)."""
    settings = child(run, "rPr")
    value = "" if settings is None else settings.get("baseline", "").removesuffix("%")
    return int(value) if value.removeprefix("-").isdecimal() else 0


def _is_hidden(shape: ET.Element) -> bool:
    for kind in ("nvSpPr", "nvGraphicFramePr", "nvGrpSpPr"):
        facts = child(shape, kind, "cNvPr")
        if facts is not None:
            return is_on(facts.get("hidden", "0"))
    return False


def _table_rows(table: ET.Element) -> Iterator[list[str]]:
    above: list[str] = []
    for row in table:
        if local(row.tag) == "tr":
            cells = [cell for cell in row if local(cell.tag) == "tc"]
            texts = [
                COVERED
                if is_on(cell.get("hMerge", "0"))
                # A cell over several rows is repeated, so that each row can be read alone.
                else above[at]
                if is_on(cell.get("vMerge", "0")) and at < len(above)
                else _text_of_all(cell)
                for at, cell in enumerate(cells)
            ]
            yield texts
            above = texts


def _text_of_all(element: ET.Element) -> str:
    return " ".join(_text(part) for part in walk(element) if local(part.tag) == "p")


def _diagram(root: ET.Element | None, number: int) -> Iterator[Block]:
    if root is None:
        return
    for paragraph in (part for part in walk(root) if local(part.tag) == "p"):
        yield Block(BlockKind.LIST_ITEM, _text(paragraph), number)
