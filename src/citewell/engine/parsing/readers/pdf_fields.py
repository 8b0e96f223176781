"""Form fields and annotations of a PDF page, by the words that people see at them.

Source: PDF 1.7 (ISO 32000-1), 12.5 (annotations) and 12.7 (forms); PDFium's `fpdf_annot.h`.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.parsing.readers.pdf_cells import read_letters
from citewell.engine.parsing.readers.pdf_lines import PageLine, page_lines

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_MAX_LENGTH = 4_096
"""Characters of a field or an annotation that are read."""
_MOST_OPTIONS = 1_000
"""Choices of a list that are looked through."""
_FARTHEST = 250.0
"""Points between a label and its field to the right: less than half of a page."""
_ABOVE = 16.0
"""Points between a label and its field below: a line."""
_LONGEST_LABEL = 100
"""Characters; a longer line is a text."""

# Kinds whose `Contents` is text that people see or that belongs to the page as a remark.
_TEXTS = frozenset(
    (
        _pdfium.FPDF_ANNOT_TEXT, _pdfium.FPDF_ANNOT_FREETEXT, _pdfium.FPDF_ANNOT_HIGHLIGHT,
        _pdfium.FPDF_ANNOT_UNDERLINE, _pdfium.FPDF_ANNOT_SQUIGGLY, _pdfium.FPDF_ANNOT_STRIKEOUT,
        _pdfium.FPDF_ANNOT_STAMP, _pdfium.FPDF_ANNOT_CARET, _pdfium.FPDF_ANNOT_LINE,
        _pdfium.FPDF_ANNOT_SQUARE, _pdfium.FPDF_ANNOT_CIRCLE, _pdfium.FPDF_ANNOT_POLYGON,
        _pdfium.FPDF_ANNOT_POLYLINE, _pdfium.FPDF_ANNOT_INK,
    )
)  # fmt: skip
_UNSEEN = _pdfium.FPDF_ANNOT_FLAG_HIDDEN | _pdfium.FPDF_ANNOT_FLAG_NOVIEW
_BUTTONS = frozenset((_pdfium.FPDF_FORMFIELD_CHECKBOX, _pdfium.FPDF_FORMFIELD_RADIOBUTTON))
_CHOICES = frozenset((_pdfium.FPDF_FORMFIELD_COMBOBOX, _pdfium.FPDF_FORMFIELD_LISTBOX))
_ON = {"on": "yes", "yes": "yes", "1": "yes", "": "yes"}

_Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Annotations:
    """Fields and remarks, which lie on a page beside its text."""

    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Label and value of the form fields that hold a value."""
    notes: list[str] = field(default_factory=list[str])
    """Texts of annotations."""


def read_annotations(page: Any, form: object, shown: str) -> Annotations:
    """The filled fields and the remarks of a page.

    Args:
        page: A page of pypdfium2.
        form: PDFium's form environment; None if the file has no form.
        shown: The page's text, each character in its place.
    """
    found = Annotations()
    unnamed: list[tuple[int, _Box]] = []
    boxes: list[_Box] = []
    for annotation in _annotations(page):
        kind = _pdfium.FPDFAnnot_GetSubtype(annotation)
        if _pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
            continue
        if kind in _TEXTS:
            if text := _string(_pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"):
                found.notes.append(text)
        elif kind == _pdfium.FPDF_ANNOT_WIDGET and form is not None:
            box = _box(annotation)
            boxes += [box] if box else []
            is_button, label, value = _field(annotation, form)
            if value is None:
                continue
            if box and not is_button and not label:
                unnamed.append((len(found.fields), box))
            name = label or _string(_pdfium.FPDFAnnot_GetFormFieldName, form, annotation)
            found.fields.append((name, value))
    if unnamed:
        with_text = page.get_textpage()
        try:
            lines = page_lines(read_letters(with_text.raw, shown))
        finally:
            with_text.close()
        for at, box in unnamed:
            if label := _label(box, lines, boxes, shown):
                found.fields[at] = (label, found.fields[at][1])
    return found


def _annotations(page: Any) -> Iterator[Any]:
    for number in range(_pdfium.FPDFPage_GetAnnotCount(page.raw)):
        annotation = _pdfium.FPDFPage_GetAnnot(page.raw, number)
        if not annotation:
            continue
        try:
            yield annotation
        finally:
            _pdfium.FPDFPage_CloseAnnot(annotation)


def _field(annotation: Any, form: object) -> tuple[bool, str, str | None]:
    """Whether a field is a button, what people see when they point at it, and its value."""
    kind = _pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    label = _string(_pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    if kind in _BUTTONS:
        if not _pdfium.FPDFAnnot_IsChecked(form, annotation):
            return True, label, None
        value = _string(_pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation)
        return True, label, _ON.get(value.lower(), value)
    value = ""
    if kind in _CHOICES:
        value = ", ".join(_chosen(annotation, form))
    if not value and (kind in _CHOICES or kind == _pdfium.FPDF_FORMFIELD_TEXTFIELD):
        value = _string(_pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
    return False, label, value or None


def _chosen(annotation: Any, form: object) -> Iterator[str]:
    """Yield the choices as they are shown; a file stores other words for programs (12.7.4.4)."""
    count = int(_pdfium.FPDFAnnot_GetOptionCount(form, annotation))
    for number in range(min(count, _MOST_OPTIONS)):
        if _pdfium.FPDFAnnot_IsOptionSelected(form, annotation, number):
            yield _string(_pdfium.FPDFAnnot_GetOptionLabel, form, annotation, number)


def _label(box: _Box, lines: list[PageLine], boxes: list[_Box], shown: str) -> str:
    """The words to the left of a field, or those on the line above it; empty without any."""
    left, low, _, high = box
    beside: list[tuple[float, str]] = []
    above: list[tuple[float, str]] = []
    for line in lines:
        for part in line.parts:
            gap, over = left - part.right, line.middle - high
            if low <= line.middle <= high and -2 <= gap <= _FARTHEST:
                if not any(_is_between(other, part.right, left, line.middle) for other in boxes):
                    beside.append((gap, part.text(shown)))
            elif 0 <= over <= _ABOVE and part.left - _ABOVE <= left <= part.right:
                above.append((over, part.text(shown)))
    # Of a field of several lines the label is at the first.
    found = min(beside or above, default=(0.0, ""))[1]
    return found.rstrip(" :.…_") if len(found) <= _LONGEST_LABEL else ""


def _is_between(box: _Box, left: float, right: float, middle: float) -> bool:
    # Two points: a field may touch its label.
    return box[1] <= middle <= box[3] and left - 2 <= box[0] and left < box[2] <= right + 2


def _box(annotation: Any) -> _Box | None:
    found = _pdfium.FS_RECTF()
    if not _pdfium.FPDFAnnot_GetRect(annotation, found):
        return None
    low, high = sorted((found.bottom, found.top))
    return found.left, low, found.right, high


def _string(function: Callable[..., int], *arguments: object) -> str:
    """The answer of a function of PDFium that fills a buffer with UTF-16 and returns its bytes."""
    size = int(function(*arguments, None, 0))
    if not 2 < size <= 2 * _MAX_LENGTH:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").strip("\0 ")
