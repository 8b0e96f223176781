"""Values that the fields of an HTML form show: typed texts, marked boxes and chosen entries."""

# Kinds of `input` whose value is not shown as text (WHATWG HTML, 4.10.5): a password shows dots, a
# button is no content, a hidden field shows nothing. All others, unknown ones too, are text fields.
_UNTYPED = frozenset(
    {"hidden", "password", "submit", "reset", "button", "image", "file", "range", "color"}
)


def shown_value(values: dict[str, str]) -> str:
    """The text that an `input` shows, from its attributes; a box is told as in other formats."""
    kind = values.get("type", "").strip().lower()
    if kind in ("checkbox", "radio"):
        return "☒" if "checked" in values else "☐"
    return "" if kind in _UNTYPED else values.get("value", "")


class Choices:
    """The chosen entries of a `select`.

    Only those the page marks as selected: a list without such a mark shows its first entry, which
    nobody has chosen.
    """

    def __init__(self) -> None:
        self._is_chosen = False
        self._entries: list[list[str]] = []

    def option(self, values: dict[str, str]) -> None:
        """Begin an entry, whose end tag may be left out."""
        self._is_chosen = "selected" in values
        if self._is_chosen:
            self._entries.append([])

    def end_option(self) -> None:
        """End an entry."""
        self._is_chosen = False

    def data(self, text: str) -> None:
        """Take text within the list."""
        if self._is_chosen:
            self._entries[-1].append(text)

    @property
    def text(self) -> str:
        """The chosen entries, with commas between them."""
        entries = (" ".join("".join(entry).split()) for entry in self._entries)
        return ", ".join(entry for entry in entries if entry)
