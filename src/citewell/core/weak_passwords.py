"""Words and patterns that long passwords are made of when people pick them without care.

Lists of leaked passwords hold few of 15 characters; those they hold are short favourites strung
together, keyboard walks and repetitions. So this looks for the parts, not for whole entries.
"""

import unicodedata
from collections.abc import Iterable

FEWEST_DIFFERENT_CHARACTERS = 5
"""With four or fewer, 15 characters are a pattern such as `abababab...`, not a choice."""
FEWEST_FREE_CHARACTERS = 6
"""Characters that must remain of a password once favourites, keyboard walks and facts about its
owner are taken out; with the sign-in's rate limit, six free characters cannot be guessed online."""

WALK_LENGTH = 4
"""Length from which neighbouring keys count as a keyboard walk rather than chance."""

# Alphabet, digits, the rows of QWERTY, AZERTY and QWERTZ, their columns (up, down, alternating) and
# letters beside digits. `_WALKS` adds each of them backwards.
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "zaqxswcdevfrbgtnhymjukilop",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
)
_WALKS = (*_ROWS, *(row[::-1] for row in _ROWS))

# The substitutions that password crackers try first (0 for o, 3 for e, $ for s).
_LOOKALIKES = str.maketrans("013457@$|€", "oieastasie")

# Stems that people favour in passwords, English and Vietnamese without accents
# (`matkhau`: password). A list of parts is short, and one part spoils every string built on it.
_WORDS = """
access account admin administrator alexander amanda america andrea android angel anhyeuem apple
april arsenal august austin autumn baby banana baomat barcelona baseball basketball batman battery
beautiful biteme blink blue boston brandon buster butterfly canada celtic changeit changeme
changethis chaomung charlie cheese chelsea chicken chief chocolate christmas citewell coffee
company computer congty cookie correct correcthorsebatterystaple dallas daniel database david
december default demo diamond donald dontknow dragon dubstep elephant emyeuanh england example
facebook february flower football freedom friday friend friends fuckoff fuckyou george ginger god
google guest hacker hannah hanoi happy harley hello horse hottie house hunter iamthe icecream
ilove iloveyou incorrect internet jackson january jasmine jennifer jessica jesus jordan joshua
july june justin khongbiet killer letme letmein linkedin liverpool login london love lovely loveme
lovers maggie manager march martin master matkhau matkhaucuatoi matrix matthew mercedes merlin
michael michelle mickey microsoft monday monkey mother music mustang mypassword naruto nicole
ninja nothing november october office open openup orange pa55 pass passcode passphrase passwd
password passwort pepper please pokemon princess private purple quantri rainbow ranger robert root
saigon samsung saturday scooter secret secure security september server service sesame sex shadow
silver slipknot snoopy soccer sophie spiderman spring staple starwars steelers summer sunday
sunshine superman superuser support system taikhoan taylor temp temporary test testing theone
this123 thomas thunder thursday tiger tigger time tinhyeu toiyeuem trustno1 tuesday twitter unlock
user username vietnam wednesday welcome whatever william winter wizard word xinchao yankees yellow
yeuem your yourpassword
"""

FAVOURITES = frozenset(_WORDS.split())


def weakness(password: str, known: Iterable[str]) -> str | None:
    """A sentence that says why a password is easy to guess; None if no reason was found.

    Args:
        password: Composed, at least as long as the rules want it.
        known: Facts that a guesser has: e-mail address, names.
    """
    plain = _plain(password)
    if len(set(plain)) < FEWEST_DIFFERENT_CHARACTERS:
        return "It consists of too few different characters."
    if _is_repetition(password.lower()) or _is_repetition(plain):
        return "It repeats the same characters."
    personal = _parts(known)
    free = _without(_without_walks(password.lower()), personal)
    # Both readings are checked, as `0` may stand for itself or for an o.
    readings = (
        _without(_only_alphanumeric(free), FAVOURITES),
        _without(_without_walks(_without(plain, personal)), FAVOURITES),
        _without(_without(_plain(password.lower().translate(_LOOKALIKES)), personal), FAVOURITES),
    )
    if any(_is_little(reading) for reading in readings):
        return (
            "It consists mostly of words and rows of keys that everyone tries, or of your name or "
            "e-mail address."
        )
    return None


def _is_little(rest: str) -> bool:
    """Whether too little remains; digits count as two at most, because years are tried first."""
    free = [character for character in rest if not character.isdigit()]
    return len(free) + min(2, len(rest) - len(free)) < FEWEST_FREE_CHARACTERS


def _plain(text: str) -> str:
    """Lower case, without accents, letters and digits only."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("đ", "d"))
    return _only_alphanumeric(decomposed) or decomposed


def _only_alphanumeric(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _parts(known: Iterable[str]) -> frozenset[str]:
    """The known facts in plain form, whole and word by word."""
    whole = [_plain(text) for text in known]
    words = [
        _plain(word)
        for text in known
        for word in "".join(c if c.isalnum() else " " for c in text).split()
    ]
    # From four letters on: `an` or `le` occur in any password by chance.
    return frozenset(part for part in (*whole, *words) if len(part) >= 4)


def _is_repetition(text: str) -> bool:
    """Whether the text repeats one piece; the last repetition may be cut short."""
    return any(text.startswith(text[period:]) for period in range(1, len(text) // 2 + 1))


def _without(text: str, words: Iterable[str]) -> str:
    """The text with each word taken out, the longest first."""
    # Otherwise `pass` would be cut out of `password` and leave `word` to count as free.
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_walks(text: str) -> str:
    """The text without stretches along a row of keys, the alphabet or the digits."""
    kept: list[str] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and any(text[start : end + 1] in walk for walk in _WALKS):
            end += 1
        if end - start < WALK_LENGTH:
            kept.append(text[start])
            end = start + 1
        start = end
    return "".join(kept)
