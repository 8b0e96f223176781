"""Rows of the table of routes: users, groups, keys, tenants, and how people sign in."""

from typing import Any

from tests.isolation.rows import API, EVERYBODY, Route
from tests.isolation.surface import Operation
from tests.isolation.world import PASSWORD

USER, GROUP = {"path.user_id": "user"}, {"path.group_id": "group"}

PEOPLE: dict[Operation, Route] = {
    ("GET", f"{API}/users"): Route(words={"query.search": "email"}),
    ("GET", f"{API}/users/{{user_id}}"): Route(USER),
    ("GET", f"{API}/groups"): Route(),
    ("GET", f"{API}/groups/{{group_id}}"): Route(GROUP),
    ("GET", f"{API}/groups/{{group_id}}/members"): Route(GROUP),
    ("POST", f"{API}/users"): Route(
        body={"email": "new-{fresh}@example.org", "name": "Somebody new"},
        fields=frozenset({"role", "is_admin"}), is_write=True, status=201,
    ),
    ("POST", f"{API}/users/import"): Route(
        body={"people": [{"email": "p-{fresh}@example.org"}]}, is_write=True,
    ),
    ("GET", f"{API}/access/report"): Route(),
    ("POST", f"{API}/users/{{user_id}}/invitation"): Route(
        {"path.user_id": "user:invited"}, is_write=True, status=201
    ),
    ("POST", f"{API}/users/{{user_id}}/password-reset"): Route(USER, is_write=True, status=201),
    ("DELETE", f"{API}/users/{{user_id}}/second-factor"): Route(
        USER, is_write=True  # of the member, who has a passkey
    ),
    ("POST", f"{API}/groups"): Route(body={"name": "Circle {fresh}"}, is_write=True, status=201),
    ("PATCH", f"{API}/users/{{user_id}}"): Route(
        USER, {"name": "Changed"},
        fields=frozenset({"role", "is_admin", "status"}), is_write=True,
    ),
    ("PATCH", f"{API}/groups/{{group_id}}"): Route(GROUP, {"description": "x"}, is_write=True),
    ("PUT", f"{API}/groups/{{group_id}}/members/{{user_id}}"): Route(
        {**GROUP, **USER}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/groups/{{group_id}}/members/{{user_id}}"): Route(
        {**GROUP, **USER}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/groups/{{group_id}}"): Route(GROUP, is_write=True, status=204),
    ("DELETE", f"{API}/users/{{user_id}}"): Route(USER, is_write=True, status=204),
}  # fmt: skip

KEY, TENANT = {"path.key_id": "api_key"}, {"path.tenant_id": "tenant"}
OF_TENANT = frozenset({
    "plan", "limits", "region", "status", "has_open_registration", "second_factor_for",
})  # fmt: skip

KEYS: dict[Operation, Route] = {
    ("GET", f"{API}/auth/api-keys"): Route(),
    ("GET", f"{API}/tenants"): Route(),
    ("GET", f"{API}/tenants/{{tenant_id}}"): Route(TENANT, knows=EVERYBODY),
    ("POST", f"{API}/auth/api-keys"): Route(
        body={"name": "Key {fresh}"}, fields=frozenset({"scopes", "expires_at"}),
        is_write=True, allowed=EVERYBODY, by="director", status=201,
    ),
    ("POST", f"{API}/tenants"): Route(
        body={"slug": "t-{fresh}", "name": "Another"}, fields=OF_TENANT,
        is_write=True, status=403,  # for the operator, who has no key of a tenant
    ),
    ("PATCH", f"{API}/tenants/{{tenant_id}}"): Route(
        TENANT, {"name": "Changed"}, fields=OF_TENANT, is_write=True
    ),
    ("GET", f"{API}/tenants/{{tenant_id}}/question-policy"): Route(TENANT),
    ("PATCH", f"{API}/tenants/{{tenant_id}}/question-policy"): Route(
        TENANT, {"longest_question": 4_000}, is_write=True
    ),
    ("DELETE", f"{API}/auth/api-keys/{{key_id}}"): Route(KEY, is_write=True, status=204),
    ("DELETE", f"{API}/tenants/{{tenant_id}}"): Route(TENANT, is_write=True, status=403),
}  # fmt: skip

SOMEBODY = {
    "email": "nobody@example.org",
    "password": "not the password of anybody",
    "tenant": "of-nobody",  # the default one may be fresh, and take its first user
}

PASSKEYS = f"{API}/auth/passkeys"
FACTOR = f"{API}/auth/second-factor"
PROOFS = {"password": PASSWORD, "code": "none"}
NEW_EMAIL = {"email": "new-{fresh}@example.org"}
OWN: dict[str, Any] = {"is_write": True, "allowed": EVERYBODY, "by": "director"}
"""Of routes by which users change how they themselves sign in."""

SIGNING_IN: dict[Operation, Route] = {
    ("GET", f"{API}/auth/me"): Route(),
    ("GET", f"{API}/auth/me/data"): Route(by="director"),
    ("POST", f"{API}/auth/register"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=403
    ),
    ("POST", f"{API}/auth/reset"): Route(
        body={"email": "nobody@example.org", "token": "cwr_x", "new_password": PASSWORD},
        fields=frozenset({"tenant", "token"}), is_write=True, status=403, ends_credential=True,
    ),
    ("POST", f"{API}/auth/forgot"): Route(  # 409: the server of the matrix sends no mail
        body=NEW_EMAIL, fields=frozenset({"tenant"}), is_write=True, status=409
    ),
    ("POST", f"{API}/auth/email/confirm"): Route(
        body={"token": "cwe_x"}, fields=frozenset({"token"}), is_write=True, status=403
    ),
    ("POST", f"{API}/auth/email"): Route(
        body={**NEW_EMAIL, "password": PASSWORD}, status=409, **OWN  # as above
    ),
    ("POST", f"{API}/auth/setup"): Route(
        body={"token": "none", "email": "nobody@example.org", "password": SOMEBODY["password"]},
        is_write=True, status=403,
    ),
    ("POST", f"{API}/auth/login"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=401,
        forgets=frozenset({"form.client_id"}),  # of OAuth 2; it is taken and not looked at
    ),
    ("POST", f"{API}/auth/refresh"): Route(
        body={"refresh_token": "none"}, is_write=True, status=401
    ),
    ("POST", f"{FACTOR}/begin"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=401
    ),
    ("GET", FACTOR): Route(by="director"),
    ("POST", FACTOR): Route(body={"password": PASSWORD}, **OWN),
    ("POST", f"{FACTOR}/confirm"): Route(body={"code": "none"}, status=403, **OWN),
    ("POST", f"{FACTOR}/recovery-codes"): Route(body=PROOFS, status=409, **OWN),
    ("POST", f"{FACTOR}/remove"): Route(body=PROOFS, status=409, **OWN),
    ("GET", f"{API}/auth/oauth/request"): Route(
        query={"client_id": "none", "redirect_uri": "https://a.example/"}, by="director",
        status=400, forgets=frozenset({"query.client_id"}),  # a sealed text
    ),
    ("POST", f"{API}/auth/oauth/grants"): Route(
        body={"client_id": "none", "redirect_uri": "https://a.example/", "approve": True,
              "code_challenge": "c" * 43},
        status=400, forgets=frozenset({"body.client_id"}), fields=frozenset({"scope", "state"}),
        **OWN,
    ),
    ("POST", f"{API}/auth/oauth/register"): Route(
        body={"redirect_uris": ["https://a.example/"]}, status=201,
    ),
    ("POST", f"{API}/auth/oauth/token"): Route(
        status=400, forgets=frozenset({"form.client_id"}),
    ),
    ("GET", f"{API}/auth/ways-in"): Route(),
    ("GET", f"{API}/auth/oidc/{{name}}/start"): Route(path={"name": "nobody"}, status=404),
    ("GET", f"{API}/auth/oidc/{{name}}/callback"): Route(path={"name": "nobody"}, status=303),
    ("GET", f"{API}/auth/oidc/{{name}}/sign-out"): Route(path={"name": "nobody"}, status=404),
    ("POST", f"{PASSKEYS}/begin"): Route(is_write=True),
    ("POST", f"{PASSKEYS}/sign-in"): Route(
        body={"ceremony": "none", "credential": {}}, is_write=True, status=403
    ),
    ("GET", PASSKEYS): Route(by="director"),
    ("POST", f"{PASSKEYS}/options"): Route(body={"password": PASSWORD}, **OWN),
    ("POST", PASSKEYS): Route(body={"ceremony": "none", "credential": {}}, status=403, **OWN),
    ("DELETE", f"{PASSKEYS}/{{passkey_id}}"): Route(
        {"path.passkey_id": "passkey"}, is_write=True, by="director", status=404
    ),
    ("POST", f"{API}/auth/password"): Route(
        body={"old_password": PASSWORD, "new_password": "nine kites above the old mill"},
        is_write=True, allowed=EVERYBODY, ends_credential=True, by="director",
    ),
    ("POST", f"{API}/auth/logout"): Route(
        body={}, is_write=True, allowed=EVERYBODY, ends_credential=True, by="leaving", status=204
    ),
}  # fmt: skip
