"""Reads an HTML page's styles for the text they hide, raise and lower.

The cascade is not computed: an element is hidden if its own style says so, or a rule of the page
for its tag, class or id. Rules with combinators or states, and those within `@media`, are left out:
their effect depends on the program that shows the page.
"""

import re

# A simple selector: `p`, `.note`, `p.note`, `#draft`.
_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?(?:([.#])([\w-]+))?", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,4000})\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# At-rules that hold rules of their own (one level deep).
_CONDITIONAL = re.compile(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_ZERO = re.compile(r"0+(?:\.0+)?(?:px|pt|em|rem|%|ex|in|cm|mm)?")
_LONGEST_SHEET = 512 * 1024
"""Characters of style sheets that are read."""

_PAGE = "#ffffff"
"""The colour of a page that says nothing of it."""

_WHITE = {"white": "#ffffff", "black": "#000000"}


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
        """Whether rules that are not followed may set a colour or picture behind any text."""
        self._grounds: list[str] = []
        """Open elements with one, and those of their name within them."""

    def begin(self, tag: str, values: dict[str, str]) -> None:
        """Note an element that is open from now on, as it may set a colour behind its text."""
        if tag == "link" and "stylesheet" in values.get("rel", "").lower():
            self._has_grounds = True
        if self._grounds and tag in self._grounds:
            self._grounds.append(tag)
            return
        self._update()
        style = values.get("style", "")
        if (
            "bgcolor" in values
            or "background" in values
            or ("background" in style.lower() and _has_ground(_declarations(style)))
            or (self._grounded and not self._grounded.isdisjoint(_names(tag, values)))
        ):
            self._grounds.append(tag)

    def end(self, tag: str) -> None:
        """Note the end of an element."""
        if self._grounds and tag in self._grounds:
            self._grounds.reverse()
            self._grounds.remove(tag)
            self._grounds.reverse()

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
            return colour == _PAGE
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
        # Rules that are not followed may set grounds as well.
        conditional = _CONDITIONAL.findall(sheet)
        self._has_grounds = (
            self._has_grounds or "@import" in sheet or "background" in "".join(conditional)
        )
        sheet = _CONDITIONAL.sub("", sheet)
        for selectors, body in _RULE.findall(sheet):
            found = _declarations(body)
            is_hidden, align = _is_hidden(found), _align(found)
            is_white = _colour(found.get("color")) == _PAGE
            has_ground = _has_ground(found)
            if not (is_hidden or is_white or has_ground or align in ("super", "sub")):
                continue
            for selector in selectors.split(","):
                name = selector.strip().lower()
                if not name or not _SELECTOR.fullmatch(name):
                    self._has_grounds = self._has_grounds or has_ground
                    continue
                if has_ground:
                    self._grounded.add(name)
                if is_white:
                    self._white.add(name)
                if is_hidden:
                    self._hidden.add(name)
                elif align in ("super", "sub"):
                    self._align[name] = align


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
        _is_far(found.get(name, "")) for name in ("left", "right", "top", "bottom")
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


# Lengths by which text is moved off every screen.
_FAR = re.compile(r"-(\d{1,6})(?:\.\d{1,6})?(px|pt|em|rem|%|vw|vh)")
_OFF_SCREEN = {"px": 900, "pt": 700, "em": 90, "rem": 90, "%": 100, "vw": 100, "vh": 100}


def _is_far(length: str) -> bool:
    match = _FAR.fullmatch(length)
    return match is not None and int(match[1]) >= _OFF_SCREEN[match[2]]


def _has_ground(found: dict[str, str]) -> bool:
    """Whether declarations set something else than white behind text."""
    grounds = (found.get(n, "") for n in ("background", "background-color", "background-image"))
    return any(
        _colour(each) not in ("", "none", "transparent", "inherit", _PAGE) for each in grounds
    )


def _colour(value: str | None) -> str:
    value = _WHITE.get(value or "", value or "").replace(" ", "")
    if value.startswith("#") and len(value) == 4:
        return "#" + "".join(2 * digit for digit in value[1:])
    if found := re.fullmatch(r"rgb\((\d{1,3}),(\d{1,3}),(\d{1,3})\)", value):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return value
