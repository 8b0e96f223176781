"""A PowerPoint 97-2003 file: its slides with the texts of their shapes.

Source: [MS-PPT] sections 2.1 (streams and edits), 2.3 (records), 2.4.14 (lists of slides), 2.5
(slides) and 2.9 (texts). Numbers of lists, which later versions store apart, are not followed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_DOCUMENT, _SLIDE, _NOTES = 0x03E8, 0x03EE, 0x03F0
_SLIDE_ATOM, _SHOW_ATOM, _DRAWING = 0x03EF, 0x03F9, 0x040C
_LIST, _PERSIST = 0x0FF0, 0x03F3
_HEADER, _CHARACTERS, _BYTES, _STYLES, _OUTLINE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0FA1, 0x0F9E
_EDIT, _DIRECTORY = 0x0FF5, 0x1772
_SHAPE, _BOX, _DATA, _PLACEHOLDER, _OPTIONS = 0xF004, 0xF00D, 0xF011, 0x0BC3, 0xF00B
_GROUPS = frozenset({0xF002, 0xF003, _DRAWING})

_DEEPEST = 40
_MOST_EDITS = 1_000
_MOST_SLIDES = 10_000
_BOOLEANS = 0x03BF
"""The option that holds whether a shape is hidden: bit 1, in force where bit 17 is set."""

_HIDDEN_SLIDE = 0x0004


class Record(NamedTuple):
    """A record's kind and the place of its content."""

    kind: int
    instance: int
    start: int
    end: int


class SlideRun(NamedTuple):
    """Characters of one height."""

    text: str
    shift: int
    """Positive where raised, negative where lowered."""


@dataclass(slots=True)
class SlideText:
    """The text of a shape."""

    kind: int = 4
    """0 and 6 are titles, 1, 5, 7 and 8 bodies."""
    runs: list[SlideRun] = field(default_factory=list[SlideRun])
    placeholder: int = 0
    is_hidden: bool = False


@dataclass(slots=True)
class Slide:
    """A slide in the order of the show."""

    texts: list[SlideText]
    notes: list[SlideText]
    is_hidden: bool


def read_slides(data: bytes, current: bytes) -> list[Slide]:
    """The slides of a file.

    Args:
        data: The stream `PowerPoint Document`.
        current: The stream `Current User`, which names the last edit.

    Raises:
        ValueError, struct.error: It is damaged.
    """
    return _Show(data, current).slides()


class _Show:
    def __init__(self, data: bytes, current: bytes) -> None:
        self._data = data
        self._places, document = self._directory(current)
        self._lists: dict[int, list[tuple[int, int, list[SlideText]]]] = {}
        for record in self._inside(self._record(document, _DOCUMENT)):
            if record.kind == _LIST:
                self._lists[record.instance] = list(self._listed(record))
        if not self._lists.get(0):
            raise ValueError("It lists no slides.")

    def slides(self) -> list[Slide]:
        notes = {number: reference for reference, number, _ in self._lists.get(2, [])}
        found: list[Slide] = []
        listed = self._lists[0][:_MOST_SLIDES]
        if len({reference for reference, _, _ in listed}) < len(listed):
            raise ValueError("A slide is listed twice.")
        for reference, _, outline in listed:
            place = self._places.get(reference)
            if place is None:
                raise ValueError("A slide is missing.")
            slide = self._record(place, _SLIDE)
            texts, flags, own = [*self._texts(slide, outline)], 0, 0
            for record in self._inside(slide):
                if record.kind == _SLIDE_ATOM:
                    (own,) = struct.unpack_from("<I", self._data, record.start + 16)
                elif record.kind == _SHOW_ATOM:
                    (flags,) = struct.unpack_from("<H", self._data, record.start + 10)
            beside: list[SlideText] = []
            place = self._places.get(notes.get(own, 0)) if own else None
            if place is not None:
                beside = list(self._texts(self._record(place, _NOTES), []))
            found.append(Slide(texts, beside, bool(flags & _HIDDEN_SLIDE)))
        return found

    def _directory(self, current: bytes) -> tuple[dict[int, int], int]:
        """The places of parts by their numbers, as the last edits have them, and the document's."""
        (edit,) = struct.unpack_from("<I", current, 16)
        places: dict[int, int] = {}
        document = 0
        for _ in range(_MOST_EDITS):
            record = self._record(edit, _EDIT)
            _, _, before, directory, number = struct.unpack_from("<IIIII", self._data, record.start)
            document = document or number
            listed = self._record(directory, _DIRECTORY)
            at = listed.start
            while at + 4 <= listed.end:
                (head,) = struct.unpack_from("<I", self._data, at)
                first, count = head & 0xFFFFF, head >> 20
                at += 4
                for each, place in enumerate(struct.unpack_from(f"<{count}I", self._data, at)):
                    places.setdefault(first + each, place)
                at += 4 * count
            if not before:
                break
            if before >= edit:
                raise ValueError("An edit is older than one before it.")
            edit = before
        if document not in places:
            raise ValueError("The document is missing.")
        return places, places[document]

    def _record(self, at: int, kind: int) -> Record:
        found = self._read(at, len(self._data))
        if found.kind != kind:
            raise ValueError("A part is not where it should be.")
        return found

    def _read(self, at: int, end: int) -> Record:
        head, kind, size = struct.unpack_from("<HHI", self._data, at)
        return Record(kind, head >> 4, at + 8, min(at + 8 + size, end))

    def _inside(self, record: Record) -> Iterator[Record]:
        at = record.start
        while at + 8 <= record.end:
            found = self._read(at, record.end)
            yield found
            at = found.end

    def _listed(self, record: Record) -> Iterator[tuple[int, int, list[SlideText]]]:
        """Parts of a list: number of the part, number of the slide, texts of its outline."""
        held: tuple[int, int, list[SlideText]] | None = None
        for found in self._inside(record):
            if found.kind == _PERSIST:
                if held:
                    yield held
                reference, _, _, number = struct.unpack_from("<IIiI", self._data, found.start)
                held = (reference, number, [])
            elif held:
                self._add(held[2], found)
        if held:
            yield held

    def _add(self, texts: list[SlideText], record: Record) -> None:
        """Take a record of a text; a header begins the next one."""
        content = self._data[record.start : record.end]
        if record.kind == _HEADER:
            texts.append(SlideText(int.from_bytes(content[:4], "little")))
        elif not texts:
            return
        elif record.kind == _CHARACTERS:
            texts[-1].runs = [SlideRun(content.decode("utf-16-le", "replace"), 0)]
        elif record.kind == _BYTES:
            texts[-1].runs = [SlideRun(content.decode("latin-1"), 0)]
        elif record.kind == _STYLES and texts[-1].runs:
            texts[-1].runs = _styled(texts[-1].runs[0].text, content)

    def _texts(
        self, slide: Record, outline: list[SlideText], depth: int = 0
    ) -> Iterator[SlideText]:
        """Yield the texts of the shapes in their order."""
        for record in self._inside(slide):
            if record.kind in _GROUPS and depth < _DEEPEST:
                yield from self._texts(record, outline, depth + 1)
            elif record.kind == _SHAPE:
                yield from self._shape(record, outline)

    def _shape(self, shape: Record, outline: list[SlideText]) -> Iterator[SlideText]:
        texts: list[SlideText] = []
        placeholder, is_hidden = 0, False
        for record in self._inside(shape):
            if record.kind == _BOX:
                for part in self._inside(record):
                    if part.kind == _OUTLINE:
                        (at,) = struct.unpack_from("<I", self._data, part.start)
                        texts += outline[at : at + 1]
                    else:
                        self._add(texts, part)
            elif record.kind == _DATA:
                for part in self._inside(record):
                    if part.kind == _PLACEHOLDER and part.end - part.start >= 5:
                        placeholder = self._data[part.start + 4]
            elif record.kind == _OPTIONS:
                is_hidden = self._is_hidden(record)
        for text in texts:
            text.placeholder, text.is_hidden = placeholder, is_hidden
            yield text

    def _is_hidden(self, options: Record) -> bool:
        for number in range(options.instance):
            at = options.start + 6 * number
            if at + 6 > options.end:
                break
            name, value = struct.unpack_from("<HI", self._data, at)
            if name & 0x3FFF == _BOOLEANS:
                return value & 0x20002 == 0x20002
        return False


# Bits of the masks -> bytes of the fields that they say are there ([MS-PPT] 2.9.20 and 2.9.14).
_PARAGRAPH_FIELDS = (
    (0x0000000F, 2), (0x00000080, 2), (0x00000010, 2), (0x00000040, 2), (0x00000020, 4),
    (0x00000800, 2), (0x00001000, 2), (0x00002000, 2), (0x00004000, 2), (0x00000100, 2),
    (0x00000400, 2), (0x00008000, 2),
)  # fmt: skip
_TABS = 0x00100000
_PARAGRAPH_REST = ((0x00010000, 2), (0x000E0000, 2), (0x00200000, 2))
_RUN_FIELDS = (
    (0x00003EB7, 2), (0x00010000, 2), (0x00200000, 2), (0x00400000, 2), (0x00800000, 2),
    (0x00020000, 2), (0x00040000, 4),
)  # fmt: skip
_POSITION = 0x00080000


def _styled(text: str, styles: bytes) -> list[SlideRun]:
    """The text divided into runs of one height; undivided where the styles are damaged."""
    try:
        at = _behind_paragraphs(styles, len(text) + 1)
        runs: list[SlideRun] = []
        place = 0
        while place < len(text) and at < len(styles):
            count, mask = struct.unpack_from("<II", styles, at)
            at += 8 + sum(size for bits, size in _RUN_FIELDS if mask & bits)
            shift = 0
            if mask & _POSITION:
                (shift,) = struct.unpack_from("<h", styles, at)
                at += 2
            runs.append(SlideRun(text[place : place + count], shift))
            place += count
        return [*runs, SlideRun(text[place:], 0)] if place < len(text) else runs
    except struct.error:
        return [SlideRun(text, 0)]


def _behind_paragraphs(styles: bytes, length: int) -> int:
    at = place = 0
    while place < length:
        count, _, mask = struct.unpack_from("<IHI", styles, at)
        at += 10 + sum(size for bits, size in _PARAGRAPH_FIELDS if mask & bits)
        if mask & _TABS:
            at += 2 + 4 * struct.unpack_from("<H", styles, at)[0]
        at += sum(size for bits, size in _PARAGRAPH_REST if mask & bits)
        place += max(count, 1)
    return at
