"""Codes of authenticator apps (TOTP, RFC 6238) and recovery codes."""

import hashlib
import io
import re
import secrets
from base64 import b32encode

import segno
from pyotp.hotp import HOTP
from pyotp.totp import TOTP

STEP_SECONDS = 30
"""Assumed by apps, and some of them cannot change."""

DRIFT_STEPS = 1
"""Steps before and after the present one whose code is accepted, for clocks that are off."""

SECRET_BYTES = 20
"""160 bits, as RFC 4226 recommends."""

CODE = re.compile(r"[0-9]{6}")

RECOVERY_CODES = 10

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the letters and digits that are mistaken for each other on paper."""

RECOVERY_CHARS = 16
"""Of an alphabet of 31: 79 bits, which cannot be guessed, so a slow hash adds nothing."""


def new_secret() -> str:
    """A secret to share with an app, in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def address_of(secret: str, email: str, issuer: str) -> str:
    """The `otpauth:` address that an app reads."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def picture_of(address: str) -> str:
    """The address as a QR code: an SVG image of dark modules on white."""
    written = io.BytesIO()
    segno.make_qr(address, error="m").save(
        written, kind="svg", scale=4, border=4, light="#fff", dark="#000", xmldecl=False
    )
    return written.getvalue().decode()


def step_of(secret: str, code: str, now: float, after: int) -> int | None:
    """The time step that a code belongs to; None if it is wrong, too old or used before.

    Args:
        secret: As shared with the app.
        code: Six digits.
        now: The time, in seconds since 1970.
        after: The last step that was accepted; its code and earlier ones are not again.
    """
    if not CODE.fullmatch(code):
        return None
    generator, present = HOTP(secret), int(now) // STEP_SECONDS
    found = [
        step
        for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1)
        if secrets.compare_digest(generator.at(step), code) and step > after
    ]
    return max(found, default=None)


def new_recovery_codes() -> list[str]:
    """Codes for the day the app is lost, each four groups of four characters."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(RECOVERY_CHARS))
    return "-".join(drawn[at : at + 4] for at in range(0, RECOVERY_CHARS, 4))


def recovery_hash(code: str) -> bytes:
    """Hash of a recovery code, however it is spaced and in which case."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).digest()
