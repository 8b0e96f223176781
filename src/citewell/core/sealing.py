"""Secrets of a tenant in the database: encrypted, and bound to where they belong."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from citewell.core.blobs.encryption import DataKey
from citewell.core.secrets import derive_key

_NONCE_BYTES = 12
_PURPOSE = "stored secrets"


class SealBrokenError(Exception):
    """A secret was changed, or stands where it does not belong."""


def seal(key: DataKey, secret: str, bound_to: str) -> bytes:
    """The secret, encrypted with a tenant's key.

    Args:
        key: The tenant's key for secrets.
        secret: The text.
        bound_to: All that it may be used for; with another text it does not open.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret.encode(), _bound(key, bound_to))


def unseal(key: DataKey, sealed: bytes, bound_to: str) -> str:
    """The secret again.

    Raises:
        SealBrokenError: It is not what was sealed for this use.
    """
    nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return _cipher(key).decrypt(nonce, content, _bound(key, bound_to)).decode()
    except InvalidTag:
        raise SealBrokenError from None


def seal_token(key: bytes, purpose: str, text: str) -> str:
    """A text that this installation alone reads again, as characters that fit into an address."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(derive_key(key, purpose)).encrypt(nonce, text.encode(), purpose.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unseal_token(key: bytes, purpose: str, token: str) -> str:
    """The text again.

    Raises:
        SealBrokenError: It was not sealed here, or for another purpose.
    """
    try:
        given = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        cipher = AESGCM(derive_key(key, purpose))
        opened = cipher.decrypt(given[:_NONCE_BYTES], given[_NONCE_BYTES:], purpose.encode())
        return opened.decode()
    except (InvalidTag, ValueError):
        raise SealBrokenError from None


def _cipher(key: DataKey) -> AESGCM:
    return AESGCM(derive_key(key.secret, _PURPOSE))


def _bound(key: DataKey, bound_to: str) -> bytes:
    return key.tenant_id.bytes + bound_to.encode()
