"""Providers of single sign-on (OpenID Connect) that the operator names: the setting's shape."""

import json
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode

from citewell.kit.addresses import is_loopback

PROVIDER_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Of a provider: it is a part of the addresses that are registered there."""

EVERYBODY = "*"
"""In the place of a domain: every address that the provider has verified."""

RoleName = Literal["guest", "employee", "manager", "director"]


def _issuer(value: str) -> str:
    """Accept an `https` address, or one of this machine for trials."""
    parts = urlsplit(value)
    is_plain = bool(parts.hostname) and not (parts.query or parts.fragment or "@" in parts.netloc)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    if not (is_plain and is_safe):
        raise ValueError("`issuer` must look like https://login.example.org")
    return value


class IdentityProvider(BaseModel):
    """A provider, and what its users become here."""

    # Errors end up in terminals and logs, which must not repeat secrets.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: Annotated[str, AfterValidator(_issuer)]
    """Exactly as the provider writes it in its tokens."""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    """None: a public client, which PKCE protects alone."""
    label: str = Field(default="", max_length=60)
    """Text of the button; empty: the provider's name here."""
    tenant: str = "default"
    """Short name of the tenant whose users sign in with it."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    creates_users: bool = True
    """Whether somebody unknown gets an account; otherwise only those known or invited get in."""
    domains: tuple[str, ...] = ()
    """Domains of addresses that are let in; empty: only those of users that there are."""
    default_role: RoleName = "employee"
    groups_claim: str = "groups"
    groups: dict[str, str] = Field(default_factory=dict)
    """Group at the provider -> name of the group here."""
    roles: dict[str, RoleName] = Field(default_factory=dict)
    """Group at the provider -> role here; of several the highest."""
    admins: tuple[str, ...] = ()
    """Groups at the provider whose members administer the tenant; empty: it makes nobody one."""

    @model_validator(mode="after")
    def _creates_users_of_domains(self) -> Self:
        # A public provider signs in everybody in the world; each would become an employee.
        if self.creates_users and not self.domains:
            raise ValueError(
                'say in `domains` whose addresses get an account, like ["example.org"], or ["*"] '
                "for everybody the provider signs in; or set `creates_users` to false"
            )
        return self

    def lets_in(self, email: str) -> bool:
        """Whether a verified address, normalised, is of somebody who may come from here."""
        if not self.domains or EVERYBODY in self.domains:
            return True
        return email.rpartition("@")[2] in {domain.lower() for domain in self.domains}


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return {}
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            'must be JSON like {"acme": {"issuer": "https://login.example.org", "client_id": "c", '
            '"domains": ["example.org"]}}'
        ) from None


def _checked(providers: dict[str, IdentityProvider]) -> dict[str, IdentityProvider]:
    for name, provider in providers.items():
        if not PROVIDER_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a provider: a letter, then letters, digits and hyphens, "
                "20 at most, all lower case"
            )
        if "openid" not in provider.scopes:
            raise ValueError(f"the scopes of {name!r} must hold `openid`")
    return providers


IdentityProviders = Annotated[
    dict[str, IdentityProvider], NoDecode, BeforeValidator(_decoded), AfterValidator(_checked)
]
