"""Passkeys (WebAuthn): registered, listed, removed, and signed in with."""

import hashlib
import hmac
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from citewell.core.context import SYSTEM, Caller, Context, Origin, unit_of_work
from citewell.core.platform import Platform
from citewell.core.secrets import derive_key
from citewell.features.identity.errors import CredentialError
from citewell.features.sessions import own_factor, repository, service
from citewell.features.sessions.errors import (
    CeremonyError,
    PasskeyInvalidError,
    PasskeyNotFoundError,
    TooManyPasskeysError,
)
from citewell.features.sessions.schemas import PasskeyOptions, PasskeyRead, SessionTokens
from citewell.features.sessions.second_factor import Method
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.factors import Passkey
from citewell.models.tenancy import UserStatus

REGISTERING = "passkey-new"

SEAL_BYTES, END_BYTES = 32, 8
CEREMONY_MINUTES = 5
"""Time to unlock the authenticator."""

MAX_PASSKEYS = 20
"""Per user: more than anybody has devices, and a list that is read whole."""


@dataclass(frozen=True, slots=True)
class Site:
    """The web application as a browser sees it: passkeys are bound to it."""

    origin: str
    """Scheme, host and port."""

    @property
    def name(self) -> str:
        """The host: what keys are made for."""
        return urlsplit(self.origin).hostname or ""


async def owned(ctx: Context) -> list[PasskeyRead]:
    """The caller's passkeys, oldest first.

    Raises:
        NoSessionError: The caller is no signed-in user.
    """
    user_id, _ = service.session_of(ctx.caller)
    return [PasskeyRead.model_validate(each) for each in await _all(ctx, user_id)]


async def begin_registering(
    platform: Platform, caller: Caller, site: Site, password: str, code: str | None
) -> PasskeyOptions:
    """Options with which a browser makes a passkey of the caller.

    Args:
        platform: The handles of this process.
        caller: The user.
        site: That the key is for.
        password: The user's, asked for again; anything for a user who has none.
        code: Of the user's second factor; anything for a user who has none.

    Raises:
        NoSessionError, SignInError, TooManyAttemptsError: As `signing_in.proved` says.
        CodeNeededError, SecondFactorInvalidError: The code is missing or wrong.
        SignInAgainError: The user has no password, and their session began too long ago.
        TooManyPasskeysError: The caller has as many as one may have.
    """
    await own_factor.proved(platform, caller, password, code)
    user_id, _ = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        user = await repository.user_by_id(ctx.session, user_id)
        if user is None:
            raise CredentialError
        known = await _all(ctx, user_id)
        if len(known) >= MAX_PASSKEYS:
            raise TooManyPasskeysError
        options = generate_registration_options(
            rp_id=site.name,
            rp_name="Citewell",
            user_name=user.email,
            user_id=_handle(caller.tenant_id, user_id),
            user_display_name=user.name or user.email,
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=each.credential_id) for each in known
            ],
            # Discoverable, so that nobody types an address; unlocked by its owner, so that it
            # stands for two factors.
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        token = await _keep(
            ctx, REGISTERING, options.challenge,
            user=str(user_id), version=str(user.session_version),
        )  # fmt: skip
    return PasskeyOptions(ceremony=token, options=options_to_json_dict(options))


async def register(
    platform: Platform,
    caller: Caller,
    site: Site,
    token: str,
    name: str,
    credential: dict[str, Any],
) -> PasskeyRead:
    """Keep a passkey that a browser has made.

    Raises:
        NoSessionError: The caller is no signed-in user.
        CeremonyError: It was not begun by this user, or took too long.
        PasskeyInvalidError: It is not for this site, this ceremony, or its owner did not unlock it.
    """
    user_id, session_id = service.session_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        kept = await repository.take_ceremony(ctx.session, _digest(token), REGISTERING)
    if kept is None or kept["user"] != str(user_id):
        raise CeremonyError
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(kept["challenge"]),
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    # The package lets errors of what it parses through as they are.
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyInvalidError from error
    async with unit_of_work(platform, caller) as ctx:
        user = await repository.lock_user(ctx.session, user_id)
        if user is None:
            raise CredentialError
        # Sessions that were ended meanwhile, as by a reset, make no key any more.
        if kept.get("version") != str(user.session_version):
            raise CeremonyError
        passkey = Passkey(
            tenant_id=ctx.tenant_id, id=uuid7(), user_id=user_id, name=name,
            credential_id=made.credential_id, public_key=made.credential_public_key,
            sign_count=made.sign_count, created_at=utc_now(),
        )  # fmt: skip
        if not await repository.add_passkey(ctx.session, passkey):
            raise PasskeyInvalidError
        await service.note(ctx, user, session_id, "user.passkey_added", passkey=str(passkey.id))
        return PasskeyRead.model_validate(passkey)


async def remove(ctx: Context, passkey_id: uuid.UUID) -> None:
    """Remove a passkey of the caller.

    Raises:
        NoSessionError: The caller is no signed-in user.
        PasskeyNotFoundError: The caller has no such passkey.
    """
    user_id, session_id = service.session_of(ctx.caller)
    user = await repository.lock_user(ctx.session, user_id)
    if user is None or not await repository.remove_passkey(ctx.session, user_id, passkey_id):
        raise PasskeyNotFoundError(passkey_id)
    await service.note(ctx, user, session_id, "user.passkey_removed", passkey=str(passkey_id))


async def begin_signing_in(platform: Platform, site: Site) -> PasskeyOptions:
    """Options with which a browser asks an authenticator: for any passkey of this site."""
    options = generate_authentication_options(
        rp_id=site.name, user_verification=UserVerificationRequirement.REQUIRED
    )
    token = _signed(platform, options.challenge)
    return PasskeyOptions(ceremony=token, options=options_to_json_dict(options))


async def sign_in(
    platform: Platform, site: Site, token: str, credential: dict[str, Any], origin: Origin
) -> SessionTokens:
    """The session of whoever unlocked the passkey.

    Raises:
        CeremonyError: It was not begun here, or took too long.
        PasskeyInvalidError: It is no passkey of an active user for this site and ceremony.
    """
    challenge = _challenge_of(platform, token)
    try:
        tenant_id, user_id = _owner(base64url_to_bytes(credential["response"]["userHandle"]))
        credential_id = base64url_to_bytes(credential["rawId"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise PasskeyInvalidError from error
    async with unit_of_work(platform, Caller(tenant_id, SYSTEM, origin)) as ctx:
        user = await repository.lock_user(ctx.session, user_id)
        passkey = await repository.passkey(ctx.session, user_id, credential_id)
        if user is None or passkey is None or user.status != UserStatus.ACTIVE:
            raise PasskeyInvalidError
        ends_at = utc_now() + timedelta(minutes=CEREMONY_MINUTES)
        if not await repository.use_up(ctx.session, ctx.tenant_id, _digest(token), ends_at):
            raise CeremonyError
        try:
            shown = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=site.name,
                expected_origin=site.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise PasskeyInvalidError from error
        passkey.sign_count, passkey.last_used_at = shown.new_sign_count, utc_now()
        return await service.begin(ctx, user, method=Method.PASSKEY)


async def _all(ctx: Context, user_id: uuid.UUID) -> list[Passkey]:
    return await repository.passkeys(ctx.session, user_id)


def _signed(platform: Platform, challenge: bytes) -> str:
    """A challenge with its end, signed: nobody is known yet in whose tenant it could be kept."""
    end = int(time.time()) + CEREMONY_MINUTES * 60
    payload = end.to_bytes(END_BYTES, "big") + challenge
    return bytes_to_base64url(_seal(platform.token_key, payload) + payload)


def _challenge_of(platform: Platform, token: str) -> bytes:
    """The challenge of a ceremony that was begun here a moment ago."""
    try:
        read = base64url_to_bytes(token)
    except ValueError:
        raise CeremonyError from None
    seal, payload = read[:SEAL_BYTES], read[SEAL_BYTES:]
    keys = (platform.token_key, *platform.former_token_keys)
    is_ours = any(hmac.compare_digest(_seal(key, payload), seal) for key in keys)
    if not is_ours or int.from_bytes(payload[:END_BYTES], "big") < time.time():
        raise CeremonyError
    return payload[END_BYTES:]


def _seal(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(derive_key(key, "passkey ceremonies"), payload, hashlib.sha256)


async def _keep(ctx: Context, kind: str, challenge: bytes, **more: str) -> str:
    """Keep a challenge until it is answered; returns what the browser names it by."""
    token = secrets.token_urlsafe(32)
    await repository.put_ceremony(
        ctx.session,
        tenant_id=ctx.tenant_id,
        hash=_digest(token),
        kind=kind,
        data={"challenge": bytes_to_base64url(challenge), **more},
        expires_at=utc_now() + timedelta(minutes=CEREMONY_MINUTES),
    )
    return token


def _handle(tenant_id: uuid.UUID, user_id: uuid.UUID) -> bytes:
    """The user as an authenticator keeps them: no address, and the tenant without a search."""
    return tenant_id.bytes + user_id.bytes


def _owner(handle: bytes) -> tuple[uuid.UUID, uuid.UUID]:
    return uuid.UUID(bytes=handle[:16]), uuid.UUID(bytes=handle[16:])


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
