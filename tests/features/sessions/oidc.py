"""Providers of single sign-on on loopback: a real one, and one that answers as a test wants."""

import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "citewell"


@contextmanager
def real_provider() -> Iterator[str]:
    """The address of a provider of the package `oidc-provider-mock`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it uses of its own library
        from oidc_provider_mock import run_server_in_thread

        with run_server_in_thread() as server:
            yield f"http://localhost:{server.server_port}"


def set_user(provider: str, subject: str, **claims: object) -> None:
    """Say what the real provider tells of somebody."""
    reply = httpx.put(f"{provider}/users/{subject}", json=claims, trust_env=False)
    assert reply.status_code == 204, reply.text


@dataclass
class Forger:
    """A provider whose replies a test forges."""

    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    token: Callable[[dict[str, Any]], str] | None = None
    """Makes the ID token of the claims that would be right."""
    nonce: str = ""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    forms: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The forms sent to the token endpoint."""

    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.address, "aud": CLIENT_ID, "sub": "subject", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "email": "somebody@example.org", "email_verified": True,
        }  # fmt: skip

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def reply_to(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                **self.metadata,
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        token = (self.token or self.signed)(self.claims())
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


@contextmanager
def forger() -> Iterator[Forger]:
    """A provider that answers as a test wants."""
    made = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.reply_to(urlsplit(self.path).path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.forms.append({name: values[0] for name, values in parse_qs(sent).items()})
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
