"""Access tokens: what is in them and what is refused."""

import time
import uuid
from collections.abc import Callable

import httpx
import jwt
import pytest

from citewell.features.identity.errors import CredentialError
from citewell.features.sessions.tokens import (
    AccessClaims,
    new_refresh_token,
    read_access_token,
    sign_access_token,
    tenant_of_refresh_token,
)
from tests.features.sessions.conftest import ME, People, bearer, sign_in
from tests.features.sessions.forging import forged, signed
from tests.timing import processor_seconds

Refused = Callable[[httpx.Response, int, str], None]

KEY = b"a key of 32 bytes for the tests."


def claims() -> AccessClaims:
    return AccessClaims(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), 1, 2)


class TestAccessTokens:
    def test_what_was_signed_is_read(self) -> None:
        wanted = claims()
        token = sign_access_token(KEY, wanted)
        assert read_access_token(KEY, token) == wanted
        payload = jwt.decode(token, options={"verify_signature": False})
        assert payload.keys() == {
            "iss", "aud", "sub", "tid", "sid", "typ", "iat", "nbf", "exp", "jti", "sv",
        }  # fmt: skip
        assert payload["exp"] - payload["iat"] == 900
        assert sign_access_token(KEY, wanted) != token

    def test_none_of_the_forged_is_read_and_none_takes_long(self) -> None:
        token = sign_access_token(KEY, AccessClaims(*(uuid.uuid4() for _ in range(3)), 1, 1))
        cases = forged(token, KEY)
        # Whether these three are known, and which versions hold, is the database's to say.
        later = {name for name in cases if name.startswith(("sub '", "tid '", "sid '"))}
        later |= {f"sv {version!r}" for version in ("0.0", "1.2", "2.1")}
        later -= {"sub ''", "sub 'admin'", "tid 'default'", "sid ''"}
        for name, case in cases.items():
            if name in later:
                read_access_token(KEY, case)
                continue

            def read(name: str = name, case: str = case) -> None:
                with pytest.raises(CredentialError):
                    pytest.fail(f"{name}: {read_access_token(KEY, case)}")

            assert processor_seconds(read, rounds=2) < 0.05, name

    def test_clocks_may_differ_but_nothing_is_accepted_longer(self) -> None:
        payload = jwt.decode(sign_access_token(KEY, claims()), options={"verify_signature": False})
        header, now = {"alg": "HS256", "typ": "JWT"}, int(time.time())
        ahead = payload | {"iat": now + 8, "nbf": now + 8, "exp": now + 900}
        assert read_access_token(KEY, signed(header, ahead, KEY))
        for wrong in ({"iat": now + 20}, {"nbf": now + 20}, {"exp": now}):
            with pytest.raises(CredentialError):
                read_access_token(KEY, signed(header, payload | wrong, KEY))

    async def test_forged_tokens_look_all_the_same_over_http(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        tokens = await sign_in(anonymous, people.new())
        cases = forged(tokens["access_token"], people.server.platform.token_key)
        cases["refresh token"] = tokens["refresh_token"]
        assert len(cases) >= 45
        told: set[str] = set()
        for name, case in cases.items():
            reply = await anonymous.get(ME, headers={"Authorization": f"Bearer {case}"})
            assert reply.status_code == 401, name
            refused(reply, 401, "unauthorized")
            told.add(reply.json()["detail"])
        assert len(told) == 1
        assert (await anonymous.get(ME, headers=bearer(tokens))).status_code == 200


class TestRefreshTokens:
    def test_they_name_their_tenant_and_never_repeat(self) -> None:
        tenant_id = uuid.uuid4()
        made = {new_refresh_token(tenant_id) for _ in range(1000)}
        assert len(made) == 1000
        assert {tenant_of_refresh_token(token) for token in made} == {tenant_id}

    @pytest.mark.parametrize(
        "token", ["", " ", "null", "cwr_", "cw_" + "a" * 26 + "_" + "A" * 43, "cwr_" + "a" * 5000]
    )
    def test_other_texts_name_none(self, token: str) -> None:
        assert tenant_of_refresh_token(token) is None
