"""E-mail addresses in the one form they are stored and compared in."""

import re
import unicodedata

from citewell.core.errors import InvalidInputError

MAX_EMAIL_BYTES = 254
"""RFC 5321, section 4.5.3.1.3, with erratum 1690: a path of 256 octets less its brackets."""

MAX_LOCAL_BYTES = 64
"""RFC 5321, section 4.5.3.1.1."""

# Quoted local parts (RFC 5321, section 4.1.2) are refused: hardly anyone has one, and two spellings
# of one mailbox would be two users. Letters of any script are taken (RFC 6531).
_LOCAL = re.compile(r'[^\s@<>()\[\],;:\\"]+')
# At most 63 characters (RFC 1035, section 2.3.4), no hyphen at an end. A single label is enough:
# `root@localhost` is an address inside a network.
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?")


class InvalidEmailError(InvalidInputError):
    """The text is no e-mail address; it is not repeated, so that no log can hold it."""

    code = "invalid_email"
    title = "Not an e-mail address"

    def __init__(self) -> None:
        super().__init__(
            "Give one e-mail address such as name@example.org, at most 254 characters long."
        )


def normalise_email(text: str) -> str:
    """The address composed (NFC), in lower case, without spaces around it.

    Raises:
        InvalidEmailError: It is not one plain address.
    """
    # Composed again after lowering, which can make a pair composable: J with a caron has no code
    # point of its own, j with a caron has.
    email = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().lower())
    # Unassigned letters too: a database that knows a newer Unicode could lower them further.
    if any(unicodedata.category(character).startswith("C") for character in email):
        raise InvalidEmailError
    local, at, domain = email.rpartition("@")
    is_short = len(email.encode()) <= MAX_EMAIL_BYTES and len(local.encode()) <= MAX_LOCAL_BYTES
    labels = domain.split(".")
    is_plain = (
        _LOCAL.fullmatch(local) is not None
        # It begins an encoded word (RFC 2047): in a header, that reads as anything, line ends too.
        and "=?" not in local
        and not any(part == "" for part in local.split("."))
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    if not (at and is_short and is_plain):
        raise InvalidEmailError
    return email
