"""Metered usage of a month, signed, for whoever writes the bill."""

import base64
import json
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from citewell.core.context import Context
from citewell.core.platform import Platform
from citewell.core.secrets import derive_key
from citewell.features.usage import repository, service
from citewell.features.usage.metrics import Metric
from citewell.features.usage.schemas import MeteredTotals, MeteredUsage, MeteredUser, Signature
from citewell.kit.clock import utc_now
from citewell.kit.csv_lines import csv_lines

SIGNING = "metered usage"
"""Purpose of the key; another secret key of the installation signs with another one."""


async def of_month(ctx: Context, month: str | None) -> MeteredUsage:
    """Sums of a month (`2027-01`; None: the present one), with signed totals.

    The same counters that limits are checked by; nothing is counted a second time.
    """
    await service.write_counts(ctx)
    now = f"{utc_now():%Y-%m}"
    month = month or now
    amounts: dict[uuid.UUID, dict[Metric, int]] = {}
    for metric, actor_id, amount in await repository.of_month(ctx.session, month):
        amounts.setdefault(actor_id, {})[metric] = amount
    total = amounts.pop(repository.TOTAL, {})
    totals = MeteredTotals(
        tenant_id=ctx.tenant_id,
        tenant=await repository.slug(ctx.session),
        month=month,
        is_over=month < now,
        queries=total.get(Metric.QUERIES, 0),
        model_tokens=total.get(Metric.MODEL_TOKENS, 0),
    )
    users = [
        MeteredUser(
            actor_id=actor_id,
            queries=own.get(Metric.QUERIES, 0),
            model_tokens=own.get(Metric.MODEL_TOKENS, 0),
        )
        for actor_id, own in sorted(amounts.items())
    ]
    shown = users if ctx.actor.administers else []
    return MeteredUsage(totals=totals, signature=_sign(ctx.platform, totals), users=shown)


def is_genuine(metered: MeteredUsage, public_key: str) -> bool:
    """Whether the totals were signed by the holder of a public key, and are as they were then."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(
            base64.b64decode(metered.signature.value, validate=True), _signed(metered.totals)
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(platform: Platform) -> str:
    """The installation's public key, in base64."""
    return base64.b64encode(_key(platform).public_key().public_bytes_raw()).decode()


def as_csv(metered: MeteredUsage) -> bytes:
    """The same as CSV: a line of totals with the signature, and one for each user.

    Key and signature follow the algorithm's name (`ed25519:...`): base64 may begin with `+`, which
    a spreadsheet takes for a formula.
    """
    totals = metered.totals.model_dump(mode="json")
    head: list[object] = [*totals, "actor_id", "public_key", "signature"]
    signature = metered.signature
    signed = [
        None,
        *(f"{signature.algorithm}:{it}" for it in (signature.public_key, signature.value)),
    ]
    lines: list[list[object]] = [head, [*totals.values(), *signed]]
    for user in metered.users:
        own = totals | user.model_dump(mode="json", exclude={"actor_id"})
        lines.append([*own.values(), str(user.actor_id), None, None])
    return csv_lines(lines)


def _signed(totals: MeteredTotals) -> bytes:
    return json.dumps(
        totals.model_dump(mode="json"), sort_keys=True, separators=(",", ":")
    ).encode()


def _key(platform: Platform) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derive_key(platform.token_key, SIGNING))


def _sign(platform: Platform, totals: MeteredTotals) -> Signature:
    value = base64.b64encode(_key(platform).sign(_signed(totals))).decode()
    return Signature(public_key=public_key(platform), value=value)
