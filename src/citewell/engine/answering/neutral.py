# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Makes what a model wrote harmless to terminals and pages, wherever it is shown."""

import re
from collections.abc import Iterable

from citewell.engine.parsing.cleaning import scrub

# Sequences of ECMA-48: CSI with its parameters, strings (OSC-8 links and titles among them) up to
# their end, two-character ones. Bounded, so that a lone ESC in a long text stays cheap.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,8}[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,2000}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,4}[0-~]?"
)
_SMUGGLED = re.compile("[\U000e0100-\U000e01ef]")
"""Variation selectors beyond the sixteen common ones: 240 invisible values, a byte each."""

_HIDDEN = re.compile(
    r"<(script|style)\b[^<>]{0,500}>.{0,4000}?</\1\s{0,10}>|<!--.{0,4000}?-->",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[A-Za-z/!?][^<>]{0,2000}>")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_PLACEHOLDER = re.compile(r"</?([A-Za-z][\w-]{0,40})>")
_ACTIVE = frozenset(
    (
        "a", "applet", "audio", "base", "body", "button", "embed", "form", "frame", "frameset",
        "head", "html", "iframe", "img", "input", "link", "math", "meta", "object", "picture",
        "script", "source", "style", "svg", "template", "textarea", "title", "video"
    )
)  # fmt: skip
"""Elements that load, run or change something; even a passage that holds one is not followed."""

_TARGET = r"[^()\s]{0,2000}(?:\([^()\s]{0,500}\)[^()\s]{0,500})?"
_IMAGE = re.compile(
    rf"!\[([^\[\]]{{0,500}})\](?:\({_TARGET}[^()\n]{{0,300}}\)|\[[^\[\]]{{0,100}}\])"
)
_LINK = re.compile(rf"\[([^\[\]]{{0,500}})\]\(({_TARGET})[^()\n]{{0,300}}\)")
_URL = re.compile(r"(?:\b[A-Za-z][A-Za-z0-9+.-]{0,20}://|\bwww\.)[^\s<>\"”»)\]}]{1,2000}")
_URL_END = ".,;:!?'’…*_`"
_WEB = ("http://", "https://", "www.", "mailto:")
_GONE = "[…]"
"""Shown where an address was."""


def neutralise(text: str, held: Iterable[str]) -> str:
    """Take out of a model's text what could act, hide or lead away.

    Control characters, terminal escapes, marks of direction and invisible characters go, and so do
    HTML, images and links, unless a passage that is cited holds that very address (or, of tags,
    that placeholder: `cp <from> <to>`).

    Args:
        text: As the model wrote it.
        held: The passages that are cited.
    """
    text = scrub(_SMUGGLED.sub("", _ESCAPES.sub("", text)))
    if not any(mark in text for mark in ("<", "](", "][", "://", "www.")):
        return text
    passages = tuple(held)
    known = {_trimmed(match[0]) for passage in passages for match in _URL.finditer(passage)}
    text = _HIDDEN.sub("", text)
    text = _IMAGE.sub(lambda image: image[1], text)
    text = _LINK.sub(lambda link: link[0] if _is_known(link[2], known) else link[1], text)
    text = _without_tags(text, passages)
    return _URL.sub(lambda url: _address(url[0], known), text)


def _without_tags(text: str, passages: tuple[str, ...]) -> str:
    def kept(tag: str) -> str:
        name = _PLACEHOLDER.fullmatch(tag)
        is_inert = name is not None and name[1].lower() not in _ACTIVE
        return tag if is_inert and any(tag in passage for passage in passages) else ""

    text = _TAG.sub(lambda tag: kept(tag[0]), text)
    # Rests of tags within tags or without an end: a space keeps browsers from taking one for a tag.
    return _TAG_START.sub(
        lambda start: (
            "<" if (tag := _TAG.match(text, start.start())) is not None and kept(tag[0]) else "< "
        ),
        text,
    )


def _is_known(address: str, known: set[str]) -> bool:
    return address.lower().startswith(_WEB) and _trimmed(address) in known


def _address(url: str, known: set[str]) -> str:
    address = _trimmed(url)
    return url if address in known else _GONE + url[len(address) :]


def _trimmed(url: str) -> str:
    return url.rstrip(_URL_END)
