"""The model that answers a caller: of the tenant's connections, else of the installation."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial

import structlog

from citewell.core.blobs.encryption import Purpose
from citewell.core.caching.stamped import stamp_of
from citewell.core.context import SYSTEM, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.sealing import SealBrokenError, unseal
from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.llm.base import LanguageModel, Timeouts
from citewell.engine.llm.redacting import RedactingModel
from citewell.engine.llm.registry import open_llm
from citewell.engine.verification.asking import ModelVerifier
from citewell.engine.verification.base import Verifier
from citewell.features.connections import repository
from citewell.features.connections.errors import InvalidConnectionError
from citewell.features.connections.pooling import ModelPool, PooledModel, StandInModel
from citewell.features.connections.schemas import OpenableConnection, Use
from citewell.kit.addresses import ReachableHosts

log = structlog.get_logger(__name__)

MAX_ASKED = 3
"""Connections that stand in for each other in one question: a reader waits for each."""

MAX_TENANTS = 10_000
"""Tenants whose connections a process remembers; most have none."""


@dataclass(slots=True)
class ModelPolicy:
    """Whether connections are asked in this process."""

    ignores_connections: bool = False
    """As a command does that was given a model, or none, for itself."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms models are asked for a tenant."""

    connections: tuple[OpenableConnection, ...]
    """The active ones, in the order they are asked."""
    hides_personal_data: bool


class Directory:
    """The connections of tenants as of the stamps of their libraries."""

    def __init__(self) -> None:
        self._known: OrderedDict[uuid.UUID, tuple[int, _Terms]] = OrderedDict()

    def of(self, tenant_id: uuid.UUID, stamp: int) -> _Terms | None:
        """A tenant's terms; None: they are not known."""
        known = self._known.get(tenant_id)
        return known[1] if known is not None and known[0] == stamp else None

    def note(self, tenant_id: uuid.UUID, stamp: int, found: _Terms) -> None:
        """Remember them."""
        self._known[tenant_id] = (stamp, found)
        self._known.move_to_end(tenant_id)
        while len(self._known) > MAX_TENANTS:
            self._known.popitem(last=False)


async def model_for(platform: Platform, caller: Caller, use: Use) -> LanguageModel | None:
    """The model that is asked for the caller; None: there is none.

    A change of connections has a stamp (migration of the table), which is read for the question or
    here: so it holds from the next question on, in all processes. No transaction may be open.

    Raises:
        MasterKeyError: The tenant's keys are wrapped by another master key.
    """
    terms = await _terms(platform, caller)
    model = await _chosen(platform, caller, use, terms)
    # A platform that was equipped before has such a model already.
    if model is None or isinstance(model, RedactingModel) or not terms.hides_personal_data:
        return model
    return RedactingModel(model)


async def redacted(platform: Platform, caller: Caller) -> Platform:
    """The same handles, whose own model is not told what the caller's tenant hides.

    No transaction may be open.
    """
    if platform.llm is None or not (await _terms(platform, caller)).hides_personal_data:
        return platform
    return replace(platform, llm=RedactingModel(platform.llm))


async def discreet(platform: Platform, caller: Caller) -> Verifier:
    """The installation's second reading, which is not told what the caller's tenant hides."""
    verifier = platform.verifier
    if not isinstance(verifier, ModelVerifier):
        return verifier
    if not (await _terms(platform, caller)).hides_personal_data:
        return verifier
    return ModelVerifier(RedactingModel(verifier.model))


async def _chosen(
    platform: Platform, caller: Caller, use: Use, terms: _Terms
) -> LanguageModel | None:
    if platform.state_of(ModelPolicy).ignores_connections:
        return platform.llm
    fitting = [
        each
        for each in terms.connections
        if use in each.uses and caller.actor.role >= each.min_role
    ]
    pool, models = platform.state_of(ModelPool), list[PooledModel]()
    for each in fitting[:MAX_ASKED]:
        try:
            models.append(await pool.get(key_of(each), partial(open_connection, platform, each)))
        except (InvalidConnectionError, ProviderConfigurationError) as error:
            log.warning("connection_unusable", connection=str(each.id), reason=str(error))
    if len(models) > 1:
        return StandInModel(models)
    return models[0] if models else platform.llm


async def equipped(platform: Platform, caller: Caller, use: Use) -> Platform:
    """The same handles, with the model that is asked for the caller."""
    model = await model_for(platform, caller, use)
    return platform if model is platform.llm else replace(platform, llm=model)


async def open_connection(platform: Platform, connection: OpenableConnection) -> LanguageModel:
    """Make a connection's model ready; nothing is sent.

    Raises:
        MasterKeyError: The tenant's keys are wrapped by another master key.
        InvalidConnectionError: Its own key does not belong to it.
        ProviderConfigurationError: It lacks something.
    """
    settings = platform.settings
    return open_llm(
        f"{connection.provider}:{connection.model}",
        base_url=connection.base_url,
        api_key=await _key(platform, connection),
        timeout=Timeouts(total=settings.llm_timeout_seconds),
        places=settings.llm_concurrency,
        hosts=ReachableHosts(settings.private_hosts),
    )


def key_of(connection: OpenableConnection) -> tuple[uuid.UUID, uuid.UUID, int]:
    """The place of a connection in the pool."""
    return connection.tenant_id, connection.id, connection.revision


async def _terms(platform: Platform, caller: Caller) -> _Terms:
    tenant_id, directory = caller.tenant_id, platform.state_of(Directory)
    stamp = await stamp_of(platform, caller)
    known = directory.of(tenant_id, stamp.value)
    if known is None:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            known = _Terms(
                await repository.openable(ctx.session),
                await repository.hides_personal_data(ctx.session, tenant_id),
            )
        directory.note(tenant_id, stamp.value, known)
        kept = {key_of(each) for each in known.connections}
        await platform.state_of(ModelPool).keep_only(tenant_id, kept)
    return known


async def _key(platform: Platform, connection: OpenableConnection) -> str | None:
    if connection.sealed_key is None or connection.key_id is None:
        return None
    key = await platform.keys.by_id(connection.tenant_id, Purpose.SECRETS, connection.key_id)
    try:
        return unseal(key, connection.sealed_key, connection.place)
    except SealBrokenError:
        raise InvalidConnectionError(
            f"The key of the connection `{connection.name}` cannot be decrypted: give it anew."
        ) from None
