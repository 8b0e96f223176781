"""Reads an HTML page's styles for the text they hide, raise and lower.

The cascade is not computed: an element is hidden if its own style says so, or a rule of the page
for its tag, class or id. Rules with combinators or states, and those within `@media`, are left out:
their effect depends on the program that shows the page.
"""

import re
from dataclasses import dataclass

from citewell.engine.parsing.readers.paper import is_paper, is_unseen

# A simple selector: `p`, `.note`, `p.note`, `#draft`.
_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?(?:([.#])([\w-]+))?", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,4000})\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# At-rules that hold rules of their own (one level deep).
_CONDITIONAL = re.compile(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_ZERO = re.compile(r"0+(?:\.0+)?(?:px|pt|em|rem|%|ex|in|cm|mm)?")
_LONGEST_SHEET = 512 * 1024
"""Characters of style sheets that are read."""

_ENDING = frozenset(
    {
        "body",
        "div",
        "section",
        "article",
        "main",
        "table",
        "tr",
        "td",
        "th",
        "ul",
        "ol",
        "dl",
        "blockquote",
        "form",
        "center",
    }
)
"""Elements whose end is that of all within them."""
_UNCLOSED = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "option"})
"""Elements whose end tags may be left out (WHATWG, 13.1.2.4)."""

_PLACED = re.compile(r"position\s?:\s?(?:absolute|fixed)")
_PICTURE = re.compile(r"<(?:img|svg|video|canvas|picture|object|iframe|embed)\b")
_INLINE = re.compile(r"""style\s?=\s?(?:"([^"]{0,2000})"|'([^']{0,2000})')""")

_WHITE = {"white": "#ffffff", "black": "#000000"}


@dataclass(slots=True)
class _Ground:
    """An open element with a colour or picture behind its text."""

    place: int
    count: int = 1
    """With the open elements of its tag within it."""


class StyleRules:
    """The rules of a page's style elements, and what they and an element's own style decide."""

    def __init__(self) -> None:
        self._sheet = ""
        self._read = 0
        self._hidden: set[str] = set()
        self._align: dict[str, str] = {}
        self._white: set[str] = set()
        self._grounded: set[str] = set()
        self._has_grounds = False
        """Whether something that is not followed may lie behind any text."""
        self._grounds: dict[str, _Ground] = {}
        """Outermost open elements with one, by their tags."""
        self._open: dict[str, list[int]] = {}
        """Places of the open elements that end what is open within them."""
        self._place = 0

    def look_ahead(self, source: str) -> None:
        """Note what a part of the page may lay behind text before it."""
        text = source.lower()
        if sheet := _sheets(text):
            self._note_grounds(_COMMENT.sub("", sheet))
        if _PLACED.search(text) is None:
            return
        inline = (_declarations(found[1] or found[2] or "") for found in _INLINE.finditer(text))
        self._has_grounds = (
            self._has_grounds
            or _PICTURE.search(text) is not None
            or any(_is_placed(found) and _has_ground(found) for found in inline)
        )

    def begin(self, tag: str, values: dict[str, str]) -> None:
        """Note an element that is open from now on, as it may set a colour behind its text."""
        self._place += 1
        if tag in _ENDING:
            self._open.setdefault(tag, []).append(self._place)
        if tag == "link" and "stylesheet" in values.get("rel", "").lower():
            self._has_grounds = True
        if outer := self._grounds.get(tag):
            outer.count += 1
            return
        self._update()
        style = values.get("style", "")
        if (
            "bgcolor" in values
            or "background" in values
            or ("background" in style.lower() and _has_ground(_declarations(style)))
            or (self._grounded and not self._grounded.isdisjoint(_names(tag, values)))
        ):
            self._grounds[tag] = _Ground(self._place)

    def end(self, tag: str) -> None:
        """Note the end of an element, and of those in it whose end tags may be left out."""
        if outer := self._grounds.get(tag):
            outer.count -= 1
            if not outer.count:
                del self._grounds[tag]
        if places := self._open.get(tag):
            place = places.pop()
            for inner in _UNCLOSED.intersection(self._grounds):
                if self._grounds[inner].place > place:
                    del self._grounds[inner]

    def add(self, sheet: str) -> None:
        """Note the text of a style element, or a part of it."""
        if len(self._sheet) < _LONGEST_SHEET:
            self._sheet += sheet

    def hides(self, tag: str, values: dict[str, str]) -> bool:
        """Whether an element is not seen."""
        own = values.get("style", "")
        if own and _is_hidden(_declarations(own)):
            return True
        self._update()
        if self._is_unseen_white(tag, values):
            return True
        if not self._hidden:
            return False
        if _declarations(own).get("display", "none") != "none":
            return False
        return not self._hidden.isdisjoint(_names(tag, values))

    def _is_unseen_white(self, tag: str, values: dict[str, str]) -> bool:
        """Whether an element's text is white, on a page where nothing is behind any text."""
        if self._has_grounds or self._grounds:
            return False
        own = _declarations(values["style"]).get("color") if values.get("style") else None
        colour = _colour(own or (values.get("color") if tag == "font" else None))
        if colour:
            return is_unseen(colour)
        return bool(self._white) and not self._white.isdisjoint(_names(tag, values))

    def vertical_align(self, tag: str, values: dict[str, str]) -> str:
        """The place of an element's text on its line, as far as it is said."""
        if own := values.get("style"):
            found = _align(_declarations(own))
            if found:
                return found
        self._update()
        if not self._align:
            return ""
        return next((self._align[n] for n in _names(tag, values) if n in self._align), "")

    def _update(self) -> None:
        if len(self._sheet) == self._read:
            return
        self._read = len(self._sheet)
        sheet = _COMMENT.sub("", self._sheet)
        self._note_grounds(sheet)
        for selectors, body in _RULE.findall(_CONDITIONAL.sub("", sheet)):
            found = _declarations(body)
            is_hidden, align = _is_hidden(found), _align(found)
            is_white = is_unseen(_colour(found.get("color")))
            if not (is_hidden or is_white or align in ("super", "sub")):
                continue
            for name in _selectors(selectors):
                if not _SELECTOR.fullmatch(name):
                    continue
                if is_white:
                    self._white.add(name)
                if is_hidden:
                    self._hidden.add(name)
                elif align in ("super", "sub"):
                    self._align[name] = align

    def _note_grounds(self, sheet: str) -> None:
        # Rules that are not followed may set grounds as well.
        conditional = _CONDITIONAL.findall(sheet)
        self._has_grounds = (
            self._has_grounds or "@import" in sheet or "background" in "".join(conditional)
        )
        for selectors, body in _RULE.findall(_CONDITIONAL.sub("", sheet)):
            found = _declarations(body)
            if not _has_ground(found):
                continue
            for name in _selectors(selectors):
                if _is_placed(found) or not _SELECTOR.fullmatch(name):
                    self._has_grounds = True
                else:
                    self._grounded.add(name)


def _sheets(text: str) -> str:
    """The texts of a page's style elements."""
    parts: list[str] = []
    begin = text.find("<style")
    while begin >= 0:
        end = text.find("</style", begin)
        end = len(text) if end < 0 else end
        parts.append(text[begin:end].partition(">")[2])
        begin = text.find("<style", end)
    return "\n".join(parts)[:_LONGEST_SHEET]


def _selectors(names: str) -> list[str]:
    return [name for part in names.split(",") if (name := part.strip().lower())]


def _is_placed(found: dict[str, str]) -> bool:
    """Whether an element is placed on its own, and may lie behind text anywhere."""
    return found.get("position") in ("absolute", "fixed")


def _names(tag: str, values: dict[str, str]) -> list[str]:
    marks = [f".{name}" for name in values.get("class", "").lower().split()]
    if values.get("id"):
        marks.append(f"#{values['id'].lower()}")
    return [*(f"{tag}{mark}" for mark in marks), *marks, tag]


def _declarations(style: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in style.lower().split(";"):
        name, _, value = part.partition(":")
        if value:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


# Lengths by which text is raised: a fifth of its size, or three points. Less fits icons to a line.
_MOVED = re.compile(r"([+-]?)(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(em|ex|rem|%|px|pt)")
_LEAST = {"em": 0.2, "ex": 0.4, "rem": 0.2, "%": 20.0, "px": 3.0, "pt": 2.0}


def _align(found: dict[str, str]) -> str:
    """`super` or `sub` where text is set off its line, in whatever way; else what is said."""
    align = found.get("vertical-align", "")
    moved = _moved(align)
    if not moved and found.get("position") == "relative":
        # Word's and other programs' way.
        moved = -_moved(found.get("top", "")) or _moved(found.get("bottom", ""))
    return ("super" if moved > 0 else "sub") if moved else align


def _moved(length: str) -> int:
    """1 if a length raises text, -1 if it lowers it, 0 if it is none or short."""
    match = _MOVED.fullmatch(length)
    if match is None or float(match[2]) < _LEAST[match[3]]:
        return 0
    return -1 if match[1] == "-" else 1


def _is_hidden(found: dict[str, str]) -> bool:
    if found.get("display") == "none" or found.get("visibility") in ("hidden", "collapse"):
        return True
    if any(_ZERO.fullmatch(found.get(name, "")) for name in ("font-size", "opacity")):
        return True
    if found.get("position") in ("absolute", "fixed") and any(
        _is_far(found.get(name, "")) for name in ("left", "top")
    ):
        return True
    if _is_far(found.get("text-indent", "")):
        return True
    # Some mail programs know this one only.
    if found.get("mso-hide") == "all":
        return True
    colour = _colour(found.get("color"))
    ground = _colour(found.get("background-color") or found.get("background"))
    return bool(colour) and (colour == "transparent" or colour == ground)


# Lengths by which text is moved off every screen, to the left or the top: a page can be scrolled to
# the other sides.
_FAR = re.compile(r"-(\d{1,6})(?:\.\d{1,6})?(px|pt|em|rem|%|vw|vh)")
_OFF_SCREEN = {"px": 900, "pt": 700, "em": 90, "rem": 90, "%": 100, "vw": 100, "vh": 100}


def _is_far(length: str) -> bool:
    match = _FAR.fullmatch(length)
    return match is not None and int(match[1]) >= _OFF_SCREEN[match[2]]


def _has_ground(found: dict[str, str]) -> bool:
    """Whether declarations set something else than white behind text."""
    grounds = (found.get(n, "") for n in ("background", "background-color", "background-image"))
    return any(each != "inherit" and not is_paper(_colour(each)) for each in grounds)


def _colour(value: str | None) -> str:
    value = _WHITE.get(value or "", value or "").replace(" ", "")
    if value.startswith("#") and len(value) == 4:
        return "#" + "".join(2 * digit for digit in value[1:])
    if found := re.fullmatch(r"rgb\((\d{1,3}),(\d{1,3}),(\d{1,3})\)", value):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return value
