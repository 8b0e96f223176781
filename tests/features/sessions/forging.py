"""Access tokens that nobody may get in with, made from a valid one and its key."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import jwt


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: object, claims: object, key: bytes, digest: str = "sha256") -> str:
    """A token of any header, with a right signature of HMAC."""
    head = f"{encoded(header)}.{encoded(claims)}"
    return f"{head}.{encoded(hmac.digest(key, head.encode(), digest))}"


def forged(token: str, key: bytes) -> dict[str, str]:
    """Tokens by what is wrong with them."""
    head, body, signature = token.split(".")
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    header = {"alg": "HS256", "typ": "JWT"}
    now = int(time.time())
    cases = {
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{token}.{signature}",
        "five parts": f"{token}.a.b",
        "cut": token[:-1],
        "longer": token + "A",
        "other signature": f"{head}.{body}.{encoded(hashlib.sha256(b'x').digest())}",
        "no body": f"{head}..{signature}",
        "no header": f".{body}.{signature}",
        "dots": "..",
        "only header": head,
        "in capitals": token.upper(),
        "in quotes": f'"{token}"',
        "padded": f"{token}==",
        "1 MB less": token + "A" * 5000,
        "wrong key": signed(header, claims, b"k" * 32),
        "empty key": signed(header, claims, b""),
        "key of its own text": signed(header, claims, key.hex().encode()),
        "HS512": signed({"alg": "HS512", "typ": "JWT"}, claims, key, "sha512"),
        "RS256 by name": signed({"alg": "RS256", "typ": "JWT"}, claims, key),
        "HS256 in small letters": signed({"alg": "hs256", "typ": "JWT"}, claims, key),
        "no algorithm": signed({"typ": "JWT"}, claims, key),
        "body is a list": signed(header, [claims], key),
        "body is text": signed(header, b"text", key),
        "body is nested": signed(header, b"[" * 2500, key),
        "iat as text": signed(header, {**claims, "iat": "x"}, key),
    }
    for alg in ("none", "None", "NONE", "nOnE", ""):
        plain = f"{encoded({'alg': alg, 'typ': 'JWT'})}.{body}."
        cases[f"alg {alg!r}"] = plain
        cases[f"alg {alg!r} with a signature"] = plain + signature
    for name, value in (
        ("crit", ["exp2"]), ("crit", []), ("crit", ["b64"]), ("b64", False),
        ("kid", "../../../dev/null"), ("kid", "' OR 1=1"), ("kid", 7),
        ("jku", "http://127.0.0.1/keys"), ("x5u", "http://127.0.0.1/cert"),
        ("jwk", {"kty": "oct", "k": encoded(b"k" * 32)}), ("typ", "refresh"),
    ):  # fmt: skip
        cases[f"header {name} {value}"] = signed({**header, name: value}, claims, key)
    for name in claims:
        rest = {other: value for other, value in claims.items() if other != name}
        cases[f"without {name}"] = signed(header, rest, key)
        cases[f"{name} null"] = signed(header, {**claims, name: None}, key)
    for name, value in (
        ("iss", "someone"), ("iss", ["citewell"]), ("aud", "someone"), ("aud", ""),
        ("aud", ["citewell-api"]), ("aud", ["citewell-api", "someone"]), ("typ", "refresh"),
        ("typ", "Access"), ("exp", now), ("exp", now - 1), ("exp", now - 3600), ("exp", "never"),
        ("exp", float("inf")), ("exp", True), ("nbf", now + 60), ("iat", now + 60),
        ("sub", str(uuid.uuid4())), ("sub", ""), ("sub", "admin"), ("sub", 1), ("sub", ["a"]),
        ("tid", str(uuid.uuid4())), ("tid", "default"), ("sid", str(uuid.uuid4())), ("sid", ""),
        ("sv", "0.0"), ("sv", "1.2"), ("sv", "2.1"), ("sv", "1"), ("sv", ""), ("sv", "-1.1"),
        ("sv", "1.99999999999999999999"), ("sv", "1.1 "), ("sv", "1.\u0661"), ("jti", ""),
        ("jti", 1),
    ):  # fmt: skip
        cases[f"{name} {value!r}"] = signed(header, {**claims, name: value}, key)
    return cases
