"""The caller that the tools of a run act as: its user, with the rights they have now."""

from citewell.access.policy import Role, Scope
from citewell.core.context import TENANT_SCOPES, Actor, ActorKind, Caller
from citewell.engine.agents.base import RunEndedError
from citewell.features.agents.schemas import RunStanding
from citewell.models.agents import AgentRun
from citewell.models.tenancy import UserStatus
from citewell.models.workflows import WorkflowRun, WorkflowTrigger


def acting_caller(run: AgentRun | WorkflowRun | WorkflowTrigger, standing: RunStanding) -> Caller:
    """The user or key that started a run, as they may act now.

    Raises:
        RunEndedError: They may not act any more.
    """
    if not standing.is_tenant_active:
        raise RunEndedError("The organisation has been suspended.")
    scopes = {Scope(scope) for scope in run.scopes} & TENANT_SCOPES
    if run.user_id is not None and standing.user_status != UserStatus.ACTIVE:
        raise RunEndedError("The user that started the run is not active any more.")
    if run.key_id is not None:
        if standing.key_scopes is None:
            raise RunEndedError("The API key that started the run is not valid any more.")
        scopes &= {Scope(scope) for scope in standing.key_scopes}
    kind = ActorKind(run.actor_kind)
    is_person = run.user_id is not None
    actor = Actor(
        kind,
        id=run.key_id if kind is ActorKind.API_KEY else run.actor_id,
        user_id=run.user_id,
        role=standing.role if is_person and standing.role is not None else Role.DIRECTOR,
        # Tools never administer, whoever has started them.
        is_admin=False,
        scopes=frozenset(scopes - {Scope.ADMIN}),
        credential_id=run.key_id,
    )
    return Caller(run.tenant_id, actor)
