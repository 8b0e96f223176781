"""Personal data in texts: found by patterns, and hidden behind placeholders that can be undone.

Found are e-mail addresses, IBANs, card numbers, Vietnamese identity numbers, tax codes, telephone
numbers. Names, addresses of houses and dates of birth are not: no pattern tells them from other
words. The patterns are bounded everywhere, so their cost grows with the text and no faster.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

_GAP = "[ \u00a0\u202f.-]"
"""Between the groups of a number, as people and typesetters write it."""

_CONTEXT = r"[^\d\n]{0,60}?"
"""Words between the name of a number and the number ("CMND của ông An là 123456789")."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of personal data."""

    name: str
    pattern: re.Pattern[str]
    """Its group 1, if it has one, is the datum; otherwise all of it."""
    is_one: Callable[[str], bool] = lambda _: True


def _digits(text: str) -> list[int]:
    return [int(each) for each in text if each.isdecimal()]


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: 13 to 19 digits, of which the last checks the others (Luhn)."""
    digits = _digits(text)
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """ISO 13616: 15 to 34 characters, which leave 1 when divided by 97."""
    plain = re.sub(r"\s", "", text)
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _is_citizen(text: str) -> bool:
    """Circular 59/2021/TT-BCA: 12 digits, of which three name a province (001 to 096)."""
    digits = "".join(each for each in text if each.isdecimal())
    return len(digits) == 12 and 1 <= int(digits[:3]) <= 96


def _is_tax_code(text: str) -> bool:
    """Circular 105/2020/TT-BTC: the tenth digit checks the others.

    One in eleven numbers of ten digits passes by chance, and is hidden and put back for nothing.
    """
    digits = _digits(text)
    weighed = zip(digits[:9], (31, 29, 23, 19, 17, 13, 7, 5, 3), strict=True)
    return 10 - sum(digit * weight for digit, weight in weighed) % 11 == digits[9]


def _is_vietnamese_phone(text: str) -> bool:
    return len(_digits(text)) in (10, 11)


_BEFORE = r"(?:(?<![\w+])|(?<=\\[nrt]))"
"""A number begins here: behind what is no word, or the escape of a line end in JSON, whose letter
would be one."""

_KINDS = (
    # RFC 5321 bounds the part before the sign to 64 characters. Quoted ones are not found.
    _Kind("EMAIL", re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")),
    # In capitals, as they are printed.
    _Kind(
        "IBAN",
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}(?![A-Za-z0-9])"),
        _is_iban,
    ),
    _Kind("CARD", re.compile(r"(?<!\d)[2-6](?:[ \u00a0-]?\d){12,18}(?!\d)"), _is_card),
    # Citizens' cards, told from other numbers by their province.
    _Kind("ID", re.compile(rf"{_BEFORE}0\d{{2}}(?:{_GAP}?\d{{3}}){{3}}(?!\d)"), _is_citizen),
    # Older cards have nine digits, as amounts have: only where a word says what they are.
    _Kind(
        "ID",
        re.compile(
            r"(?i:cmnd|cmtnd|cmt|cccd|căn cước|chứng minh|identity card|id card|id number|id no)"
            rf"{_CONTEXT}(\d{{3}}{_GAP}?\d{{3}}{_GAP}?\d{{3}}(?:{_GAP}?\d{{3}})?)(?!\d)"
        ),
    ),
    _Kind(
        "TAX",
        re.compile(
            r"(?i:\bmst|mã số thuế|tax code|tax id|tax number|tax no|\bvat no|\bvat id)"
            rf"{_CONTEXT}\b([A-Z]{{0,2}}\d{{8,13}}(?:-\d{{3}})?)(?!\d)"
        ),
    ),
    _Kind("TAX", re.compile(rf"{_BEFORE}\d{{10}}(?:-\d{{3}})?(?!\d)"), _is_tax_code),
    # With the country's number; up to 15 digits (ITU-T E.164).
    _Kind("PHONE", re.compile(rf"{_BEFORE}(?:\+|00)[1-9](?:[( )]{{0,2}}{_GAP}?\d){{7,14}}(?!\d)")),
    _Kind("PHONE", re.compile(rf"{_BEFORE}84[235789]\d{{8,9}}(?!\d)")),
    # Vietnamese ones as they are dialled at home: 10 digits, 11 of some offices.
    _Kind(
        "PHONE",
        re.compile(rf"{_BEFORE}\(?0[235789]\d{{1,2}}\)?{_GAP}?\d{{3,4}}{_GAP}?\d{{3,4}}(?!\d)"),
        _is_vietnamese_phone,
    ),
    _Kind("PHONE", re.compile(rf"{_BEFORE}0[35789]\d{{2}}(?:{_GAP}\d{{2}}){{3}}(?!\d)")),
    _Kind("PHONE", re.compile(rf"{_BEFORE}0[35789](?:{_GAP}\d{{2}}){{4}}(?!\d)")),
    # North American ones without the country's number.
    _Kind("PHONE", re.compile(rf"{_BEFORE}(?:\(\d{{3}}\) ?|\d{{3}}[-.])\d{{3}}[-.]\d{{4}}(?!\d)")),
)

_MAY_HOLD = re.compile(r"@|(?:\d[^\w\n]{0,3}){7}|[A-Z]{2}\d{2}")
"""Each kind has one of these: seven digits with no more than three signs between two of them, the
beginning of an IBAN, or the sign of an address. Most texts have none, and are not searched."""

_PLACEHOLDER = re.compile(r"\[[A-Z]{2,5}_\d{1,5}\]")
_BEGUN = re.compile(r"\[[A-Z]{0,5}(?:_\d{0,5})?\Z")
"""The end of a piece of a reply that may be the beginning of a placeholder."""


def personal_data(text: str) -> list[tuple[int, int, str]]:
    """The places of personal data in a text, with their kinds, in order and not overlapping."""
    found: list[tuple[int, int, str]] = []
    taken = bytearray(len(text))
    for kind in _KINDS:
        for start, end in _places(kind, text):
            if not any(taken[start:end]):
                taken[start:end] = b"\x01" * (end - start)
                found.append((start, end, kind.name))
    return sorted(found)


def _places(kind: _Kind, text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while (match := kind.pattern.search(text, at)) is not None:
        group = 1 if kind.pattern.groups else 0
        start, longest = match.span(group)
        end = next(
            (each for each in _ends(text, start, longest) if kind.is_one(text[start:each])), 0
        )
        if end:
            yield start, end
        # A find that is none may hold one that begins later.
        at = end or start + 1


def _ends(text: str, start: int, longest: int) -> Iterator[int]:
    """Where a number may end, last first: words and numbers behind it look like more of it."""
    yield longest
    for end in range(longest - 1, start, -1):
        if text[end - 1].isalnum() and not text[end].isalnum():
            yield end


def masked(text: str) -> str:
    """The text with the kind of each personal datum in its place (`[PHONE]`), for good.

    Equal texts stay equal, so that questions which differ in their data alone become one.
    """
    while _MAY_HOLD.search(text) and (places := personal_data(text)):
        # Again until nothing is found: what is left may be one datum more.
        for start, end, kind in reversed(places):
            text = f"{text[:start]}[{kind}]{text[end:]}"
    return text


def masked_in(node: Any) -> Any:
    """JSON with personal data in its texts masked; whole numbers that are such become texts."""
    if isinstance(node, str):
        return masked(node)
    if isinstance(node, dict):
        items = cast(dict[str, Any], node).items()
        return {masked(key): masked_in(each) for key, each in items}
    if isinstance(node, list | tuple):
        return [masked_in(each) for each in cast(list[Any], node)]
    # Digits of a score may look like a telephone number, and are none.
    is_whole = isinstance(node, int) or (isinstance(node, float) and node.is_integer())
    if is_whole and not isinstance(node, bool):
        written = str(int(node))
        return masked(written) if personal_data(written) else node
    return node


class Veil:
    """Hides personal data of one request, and puts it back into the reply.

    The same datum has the same placeholder; texts that are hidden in the same order have the same
    ones, so that a conversation keeps them from request to request.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._data: dict[str, str] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    @property
    def has_hidden(self) -> bool:
        """Whether anything was found."""
        return bool(self._data)

    def keep_clear_of(self, text: str) -> None:
        """Use no placeholder that a text holds already."""
        self._taken.update(_PLACEHOLDER.findall(text))

    def hide(self, text: str) -> str:
        """The text with placeholders."""
        # Again until nothing is found: what is left may be one datum more.
        while places := personal_data(text):
            for start, end, kind in reversed(places):
                text = f"{text[:start]}{self._of(text[start:end], kind)}{text[end:]}"
        return text

    def hide_in(self, node: Any) -> Any:
        """JSON with placeholders in its texts; numbers that are personal data become texts."""
        if isinstance(node, str):
            return self.hide(node)
        if isinstance(node, dict):
            items = cast(dict[str, Any], node).items()
            return {self.hide(key): self.hide_in(each) for key, each in items}
        if isinstance(node, list | tuple):
            return [self.hide_in(each) for each in cast(list[Any], node)]
        if isinstance(node, int | float) and not isinstance(node, bool):
            return self.hide(str(node)) if personal_data(str(node)) else node
        return node

    def restore(self, text: str) -> str:
        """The text with the data in place of their placeholders."""
        return _PLACEHOLDER.sub(lambda found: self._data.get(found[0], found[0]), text)

    def restore_in(self, node: Any) -> Any:
        """JSON with the data in its texts."""
        if isinstance(node, str):
            return self.restore(node)
        if isinstance(node, dict):
            items = cast(dict[str, Any], node).items()
            return {self.restore(key): self.restore_in(each) for key, each in items}
        if isinstance(node, list):
            return [self.restore_in(each) for each in cast(list[Any], node)]
        return node

    def _of(self, datum: str, kind: str) -> str:
        if (known := self._placeholders.get(datum)) is not None:
            return known
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            placeholder = f"[{kind}_{self._counts[kind]}]"
            if placeholder not in self._taken:
                break
        self._placeholders[datum], self._data[placeholder] = placeholder, datum
        return placeholder


class Unveiling:
    """Puts data back into a reply that comes in pieces, of which one may end in a placeholder."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self._held = ""

    def take(self, piece: str) -> str:
        """The text that is known by now."""
        text = self._held + piece
        begun = _BEGUN.search(text[-13:])
        self._held = begun[0] if begun is not None else ""
        return self._veil.restore(text[: len(text) - len(self._held)])

    def rest(self) -> str:
        """The text that was held back."""
        held, self._held = self._held, ""
        return held
