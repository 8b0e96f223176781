"""Text in the colour of paper, which nobody sees: one rule for all formats.

A text is taken for unseen only where its white and its ground are known: a reader that cannot tell
what stands behind a text keeps it.
"""

WHITE = "FFFFFF"
_NO_GROUND = frozenset({"", "AUTO", "NONE", "TRANSPARENT", WHITE})


def is_unseen(colour: str, ground: str = "") -> bool:
    """Whether a text is white on white paper.

    Args:
        colour: Of the text, six hexadecimal digits in any case, with or without `#`.
        ground: What is behind it, alike; empty, `auto`, `none` and `transparent` are the paper.
    """
    return _plain(colour) == WHITE and is_paper(ground)


def is_paper(ground: str) -> bool:
    """Whether a ground is that of white paper."""
    return _plain(ground) in _NO_GROUND


def _plain(colour: str) -> str:
    return colour.removeprefix("#").upper()
