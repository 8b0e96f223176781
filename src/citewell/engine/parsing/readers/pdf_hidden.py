"""Takes text out of a PDF page that nobody sees: white, transparent, tiny, covered, cut off.

Source: PDF 1.7 (ISO 32000-1), 9.3.6 (text rendering mode) and 8.4 (colour); PDFium's `fpdf_edit.h`.
"""

import ctypes
import math
from collections.abc import Iterator
from contextlib import closing
from enum import Enum, auto
from typing import Any, cast

import pypdfium2.raw as pdfium  # pyright: ignore[reportMissingTypeStubs] - it has none

# Whether a checker can tell the types of the bindings depends on the files it is given.
_pdfium = cast(Any, pdfium)

_WHITE = 250
"""Least value of each part of a colour that is white, of 255."""
_UNSEEN_SIZE = 1.0
"""Points; a type of that size is set to be searched, not to be seen (as in Word, `word_styles`)."""
_WITHOUT_INK = 3
_CONTRAST = 12
"""Difference of shades, of 255, from which there is something to see."""
_MOST_PIXELS = 1_500
"""Longer side of a page's picture: a point each on pages of usual sizes."""
_MOST_OBJECTS = 20_000
"""Objects of a page that are looked at; a page of more is a map or a drawing."""

_MOST_SHAPES = 200
"""Shapes of a page that may cover text; bars over names are a few, tables and maps have more."""
_LEAST_SHAPE = 5.0
"""Points of their sides: rules and borders are thinner, and no type that is read is smaller."""
_SLACK = 2.0
"""Points by which a text may reach beyond the shape over it."""
_MOST_FRAMES, _MOST_POINTS = 8, 40
"""Frames around a text that are looked at, and points of one; drawings have longer ones."""

_Box = tuple[float, float, float, float]

_PICTURES = (_pdfium.FPDF_PAGEOBJ_IMAGE, _pdfium.FPDF_PAGEOBJ_FORM)


def remove_hidden(page: Any) -> list[str]:
    """Take the unseen text out of a page of pypdfium2.

    Text without ink or in transparent ink stays on pages with pictures: it is what was recognised
    on a scan.

    Returns:
        The texts that were taken out.
    """
    objects = list(page_objects(page))
    texts = [each for each, kind in objects if kind == _pdfium.FPDF_PAGEOBJ_TEXT]
    parts = tuple(ctypes.c_uint() for _ in range(4))
    covered = _covered(objects)
    looks = [
        _Look.DOUBTED
        if (look := _look(each, parts)) is _Look.SEEN and (at in covered or _is_clipped(each))
        else look
        for at, each in enumerate(texts)
    ]
    # A page of nothing else is read by it, whatever it shows.
    is_layer = all(look is _Look.WITHOUT_INK for look in looks)
    is_layer = is_layer or any(kind in _PICTURES for _, kind in objects)
    doubted = [each for each, look in zip(texts, looks, strict=True) if look is _Look.DOUBTED]
    seen = _Picture(page) if doubted else None
    unseen = [
        each
        for each, look in zip(texts, looks, strict=True)
        if look is _Look.UNSEEN
        or (look is _Look.WITHOUT_INK and not is_layer)
        or (look is _Look.DOUBTED and seen is not None and not seen.shows(each))
    ]
    if not unseen:
        return []
    with closing(page.get_textpage()) as text:
        removed = [_text(each, text.raw) for each in unseen]
    for each in unseen:
        if _pdfium.FPDFPage_RemoveObject(page.raw, each):
            _pdfium.FPDFPageObj_Destroy(each)
    _pdfium.FPDFPage_GenerateContent(page.raw)
    return [text for text in removed if text.strip()]


def page_objects(page: Any) -> Iterator[tuple[Any, int]]:
    """Yield the objects of a page of pypdfium2 with their kinds; none of a page of very many."""
    count = _pdfium.FPDFPage_CountObjects(page.raw)
    if count <= _MOST_OBJECTS:
        for at in range(count):
            each = _pdfium.FPDFPage_GetObject(page.raw, at)
            yield each, _pdfium.FPDFPageObj_GetType(each)


class _Look(Enum):
    SEEN = auto()
    UNSEEN = auto()
    WITHOUT_INK = auto()
    DOUBTED = auto()
    """White, on a layer, below a shape or out of its frame: the page's picture tells."""


def _look(each: Any, parts: tuple[ctypes.c_uint, ...]) -> _Look:
    """The look of a text; `parts` take its colour."""
    mode = _pdfium.FPDFTextObj_GetTextRenderMode(each)
    if mode == _WITHOUT_INK:
        return _Look.WITHOUT_INK
    if mode == 0 and _pdfium.FPDFPageObj_GetFillColor(each, *parts):
        red, green, blue, alpha = parts
        if alpha.value == 0:
            # Some programs lay what they recognised on a scan in transparent ink.
            return _Look.WITHOUT_INK
        if _is_tiny(each):
            return _Look.UNSEEN
        if red.value >= _WHITE and green.value >= _WHITE and blue.value >= _WHITE:
            return _Look.DOUBTED
    return _Look.DOUBTED if _is_on_layer(each) else _Look.SEEN


def _covered(objects: list[tuple[Any, int]]) -> set[int]:
    """Places, among the texts, of those that a filled shape is drawn over, as to black them out.

    Pictures are not looked for: a scan is drawn over the text that was recognised on it.
    """
    found: set[int] = set()
    shapes: list[_Box] = []
    at = sum(kind == _pdfium.FPDF_PAGEOBJ_TEXT for _, kind in objects)
    for each, kind in reversed(objects):
        if kind == _pdfium.FPDF_PAGEOBJ_PATH and len(shapes) < _MOST_SHAPES:
            if (box := bounds(each)) and _is_filled(each, box):
                shapes.append(box)
        elif kind == _pdfium.FPDF_PAGEOBJ_TEXT:
            at -= 1
            if shapes and (box := bounds(each)) and any(_holds(one, box) for one in shapes):
                found.add(at)
    return found


def _is_filled(each: Any, box: _Box) -> bool:
    if box[2] - box[0] < _LEAST_SHAPE or box[3] - box[1] < _LEAST_SHAPE:
        return False
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    is_known = _pdfium.FPDFPath_GetDrawMode(each, fill, stroke)
    return bool(is_known and fill.value)


def _holds(outer: _Box, inner: _Box) -> bool:
    # Letters reach beyond a bar that was drawn by hand; the picture tells whether they are seen.
    return (
        outer[0] <= inner[0] + _SLACK
        and outer[1] <= inner[1] + _SLACK
        and outer[2] >= inner[2] - _SLACK
        and outer[3] >= inner[3] - _SLACK
    )


def _is_clipped(each: Any) -> bool:
    """Whether a text is outside of a frame that is set around it (8.5.4)."""
    clip = _pdfium.FPDFPageObj_GetClipPath(each)
    count = int(_pdfium.FPDFClipPath_CountPaths(clip)) if clip else 0
    box = bounds(each) if count > 0 else None
    if box is None:
        return False
    x, y = ctypes.c_float(), ctypes.c_float()
    for path in range(min(count, _MOST_FRAMES)):
        points: list[tuple[float, float]] = []
        segments = int(_pdfium.FPDFClipPath_CountPathSegments(clip, path))
        for number in range(min(segments, _MOST_POINTS)):
            segment = _pdfium.FPDFClipPath_GetPathSegment(clip, path, number)
            if _pdfium.FPDFPathSegment_GetPoint(segment, x, y):
                points.append((x.value, y.value))
        if points and segments <= _MOST_POINTS and _are_apart(box, points):
            return True
    return False


def _are_apart(box: _Box, points: list[tuple[float, float]]) -> bool:
    across, up = [x for x, _ in points], [y for _, y in points]
    return max(across) <= box[0] or min(across) >= box[2] or max(up) <= box[1] or min(up) >= box[3]


def _is_on_layer(each: Any) -> bool:
    """Whether an object is optional content, which may be switched off (8.11)."""
    for at in range(_pdfium.FPDFPageObj_CountMarks(each)):
        mark = _pdfium.FPDFPageObj_GetMark(each, at)
        name, size = (_pdfium.FPDF_WCHAR * 8)(), ctypes.c_ulong()
        if _pdfium.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), size) and (
            list(name[:3]) == [ord("O"), ord("C"), 0]
        ):
            return True
    return False


class _Picture:
    """The page as it is shown, in shades of grey."""

    def __init__(self, page: Any) -> None:
        self._page = page.raw
        width, height = page.get_size()
        scale = min(1.0, _MOST_PIXELS / max(width, height, 1.0))
        bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
        self._size = bitmap.width, bitmap.height
        self._stride = bitmap.stride
        self._pixels = bytes(bitmap.buffer)
        bitmap.close()

    def shows(self, each: Any) -> bool:
        """Whether there is anything to see where an object stands."""
        box = bounds(each)
        if box is None:
            return True
        corners = [self._place(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        columns, rows = ([corner[axis] for corner in corners] for axis in (0, 1))
        left, right = max(min(columns), 0), min(max(columns) + 1, self._size[0])
        top, bottom = max(min(rows), 0), min(max(rows) + 1, self._size[1])
        if left >= right:
            return True
        lines = (
            self._pixels[row * self._stride + left : row * self._stride + right]
            for row in range(top, bottom)
        )
        shades = b"".join(lines)
        return not shades or max(shades) - min(shades) >= _CONTRAST

    def _place(self, x: float, y: float) -> tuple[int, int]:
        across, down = ctypes.c_int(), ctypes.c_int()
        width, height = self._size
        _pdfium.FPDF_PageToDevice(self._page, 0, 0, width, height, 0, x, y, across, down)
        return across.value, down.value


def _is_tiny(each: Any) -> bool:
    size = ctypes.c_float()
    if not _pdfium.FPDFTextObj_GetFontSize(each, size) or size.value > 2 * _UNSEEN_SIZE:
        return False
    matrix = _pdfium.FS_MATRIX()
    if not _pdfium.FPDFPageObj_GetMatrix(each, matrix):
        return False
    return 0 < size.value * math.hypot(matrix.c, matrix.d) <= _UNSEEN_SIZE


def bounds(each: Any) -> _Box | None:
    """The left, lower, right and upper end of an object, in points."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not _pdfium.FPDFPageObj_GetBounds(each, left, bottom, right, top):
        return None
    return left.value, bottom.value, right.value, top.value


def _text(each: Any, page: Any) -> str:
    size = int(_pdfium.FPDFTextObj_GetText(each, page, None, 0))
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pointer = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    _pdfium.FPDFTextObj_GetText(each, page, pointer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
