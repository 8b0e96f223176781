"""Reads an HTML page's styles for the text they hide, raise and lower.

The cascade is not computed: an element is hidden if its own style says so, or a rule of the page
for its tag, classes or id. Rules with combinators or states, and those within `@media`, hide
nothing: what they are for depends on what is around, or on the program that shows the page. Text is
raised by their last part alone, as a mark that is taken for a figure costs more than one set apart.
"""

import re
from dataclasses import dataclass

from citewell.engine.parsing.readers.paper import is_paper, is_unseen

# A simple selector: `p`, `.note`, `p.note`, `#draft`.
_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?(?:([.#])([\w-]+))?", re.IGNORECASE)
# The last part of a selector with combinators, maybe of several classes: `.note a.mark`.
_LAST = re.compile(r"(?:^|[\s>+~])([a-z][a-z0-9]*)?((?:[.#][\w-]+)+)$", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,4000})\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# At-rules that hold rules of their own (one level deep).
_CONDITIONAL = re.compile(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_ZERO = re.compile(r"0+(?:\.0+)?(?:px|pt|em|rem|%|ex|in|cm|mm)?")
_MARK = re.compile(r"[.#][\w-]+")
_MOST_COMPOUND = 500
"""Such selectors of a page, as each is compared with each element."""
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

HOLDERS = frozenset({"ul", "ol", "menu", "dl", "table"})
ENDED_BY = {
    "li": ("li",), "dt": ("dt", "dd"), "dd": ("dt", "dd"), "tr": ("tr", "tbody", "tfoot"),
    "td": ("td", "th", "tr"), "th": ("td", "th", "tr"),
}  # fmt: skip
ENDED_WITH = {
    "li": ("ul", "ol", "menu"), "dt": ("dl",), "dd": ("dl",), "tr": ("table",),
    "td": ("table", "tr"), "th": ("table", "tr"),
}  # fmt: skip
"""Beginnings and ends that end an element whose own end tag is left out (WHATWG, 13.1.2.4)."""

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
        self._compound: list[tuple[str, frozenset[str], str]] = []
        """Tag, classes and ids that have to be there together, and what they do."""
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
        compound = self._of_compound(tag, values)
        if not self._hidden and "hidden" not in compound:
            return False
        if _declarations(own).get("display", "none") != "none" or "shown" in compound:
            return False
        return "hidden" in compound or not self._hidden.isdisjoint(_names(tag, values))

    def _of_compound(self, tag: str, values: dict[str, str]) -> set[str]:
        if not self._compound:
            return set[str]()
        marks = {name for name in _names(tag, values) if name[0] in ".#"}
        return {
            effect
            for name, needed, effect in self._compound
            if needed <= marks and name in ("", tag)
        }

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
        found = next((self._align[n] for n in _names(tag, values) if n in self._align), "")
        if found or not self._compound:
            return found
        compound = self._of_compound(tag, values)
        return next((each for each in ("super", "sub") if each in compound), "")

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
            is_shown = found.get("display", "none") != "none" and not is_hidden
            if not (is_hidden or is_white or is_shown or align in ("super", "sub")):
                continue
            for name in _selectors(selectors):
                if not _SELECTOR.fullmatch(name):
                    self._note_compound(name, is_hidden, is_shown, align)
                    continue
                if is_white:
                    self._white.add(name)
                if is_hidden:
                    self._hidden.add(name)
                elif align in ("super", "sub"):
                    self._align[name] = align

    def _note_compound(self, name: str, is_hidden: bool, is_shown: bool, align: str) -> None:
        match = _LAST.search(name)
        if match is None or len(self._compound) >= _MOST_COMPOUND:
            return
        is_alone = match.start() == 0 and match[0] == name
        effect = "hidden" if is_hidden and is_alone else "shown" if is_shown and is_alone else ""
        effect = effect or (align if align in ("super", "sub") else "")
        if effect:
            self._compound.append((match[1] or "", frozenset(_MARK.findall(match[2])), effect))

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
    align = found.get("vertical-align", "") or found.get("font-variant-position", "")
    if align in _EDGES and _is_small(found.get("font-size", "")):
        return _EDGES[align]
    if moved := _RISE.fullmatch(found.get("transform", "")):
        return "super" if "-" in moved[0] else "sub"
    moved = _moved(align)
    if not moved and found.get("position") == "relative":
        # Word's and other programs' way.
        moved = -_moved(found.get("top", "")) or _moved(found.get("bottom", ""))
    return ("super" if moved > 0 else "sub") if moved else align


_EDGES = {"top": "super", "text-top": "super", "bottom": "sub", "text-bottom": "sub"}
"""Places of a box at the edge of its line, off which letters stand only if they are smaller."""
_RISE = re.compile(r"translatey\(-?(?:[1-9]\d{0,2}(?:\.\d+)?(?:px|pt|%)|0?\.\d+em)\)")
_SMALL = {"em": 0.85, "rem": 0.85, "%": 85.0, "px": 11.0, "pt": 8.0}
"""Sizes up to which letters are smaller than those around them, as marks are."""
_SIZE = re.compile(r"(\d{0,4}(?:\.\d{1,4})?)(em|rem|%|px|pt)")


def _is_small(size: str) -> bool:
    if size in ("smaller", "small", "x-small", "xx-small"):
        return True
    match = _SIZE.fullmatch(size)
    return match is not None and bool(match[1]) and float(match[1]) <= _SMALL[match[2]]


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
    # Of one side alone it is what opens when people click on its heading.
    sides = (("height", "max-height"), ("width", "max-width"))
    if found.get("overflow") == "hidden" and all(
        any(_ZERO.fullmatch(found.get(name, "")) for name in names) for names in sides
    ):
        return True
    if any(_CUT.fullmatch(found.get(name, "")) for name in ("clip-path", "transform", "filter")):
        return True
    colour = _colour(found.get("color"))
    ground = _colour(found.get("background-color") or found.get("background"))
    return bool(colour) and (colour == "transparent" or colour == ground)


_CUT = re.compile(
    r"inset\((?:50|100)%\)|circle\(0(?:px|%)?\)|scale\(0(?:, ?0)?\)|opacity\(0%?\)", re.IGNORECASE
)
"""Shapes and sizes that leave nothing of an element."""

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
    if re.fullmatch(r"(?:rgb|hsl)a?\(.*[,/]0?(?:\.0+)?0?%?\)", value) and value.count(",") != 2:
        return "transparent"
    if found := re.fullmatch(r"rgb\((\d{1,3}),(\d{1,3}),(\d{1,3})\)", value):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return value
