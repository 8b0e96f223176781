"""Yields all that an organisation keeps about one of its people, to that person alone.

Of answers, runs and documents it holds as much as the person may read at that moment.
"""

import json
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from citewell.access.policy import Role
from citewell.core.context import ActorKind, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.features.agents import runs as agent_runs
from citewell.features.agents.errors import AgentRunNotFoundError
from citewell.features.audit import service as audit
from citewell.features.audit.schemas import AuditRead
from citewell.features.conversations import files
from citewell.features.conversations import service as conversations
from citewell.features.conversations.errors import ConversationNotFoundError
from citewell.features.documents import service as documents
from citewell.features.identity.errors import CredentialError
from citewell.features.identity.schemas import ApiKeyRead
from citewell.features.personal_data import repository
from citewell.features.queries import service as queries
from citewell.features.sessions.errors import NoSessionError
from citewell.features.workflows import runs as workflow_runs
from citewell.features.workflows.errors import WorkflowRunNotFoundError
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.notices import NoticeKind

TRIGGER = ("id", "workflow_id", "kind", "inputs", "is_enabled", "created_at")
"""Fields of a workflow's trigger that are told."""

Line = tuple[str, dict[str, object]]
"""Kind and data."""

Section = Callable[[Context, uuid.UUID, Sequence[uuid.UUID]], Awaitable[list[Line]]]


async def export(platform: Platform, caller: Caller) -> AsyncGenerator[bytes, None]:
    """Yield lines of JSON, `{"kind", "data"}` each, in parts; it is noted in the audit trail.

    Raises:
        NoSessionError: The caller is no signed-in user.
        CredentialError: The user was removed a moment ago.
    """
    user_id = person_of(caller)
    async with unit_of_work(platform, caller) as ctx:
        lines = await _account(ctx, user_id)
        await audit.record(ctx, "user.data_exported", object_kind="user", object_id=user_id)
    yield _written(lines)
    for part, section in _SECTIONS:
        last: uuid.UUID | None = None
        while True:
            # A transaction for each part, so that a slow reader does not hold a connection.
            async with unit_of_work(platform, caller) as ctx:
                ids = await part(ctx.session, user_id, last)
                lines = await section(ctx, user_id, ids) if ids else []
            if not ids:
                break
            yield _written(lines)
            last = ids[-1]
    async for lines in _messages(platform, caller, user_id):
        yield _written(lines)


def person_of(caller: Caller) -> uuid.UUID:
    """The id of the signed-in user.

    Raises:
        NoSessionError: The caller is none.
    """
    user_id = caller.actor.user_id
    # A key of theirs does part of what they do; it does not carry all of them away.
    if user_id is None or caller.actor.kind is not ActorKind.USER:
        raise NoSessionError
    return user_id


def _written(lines: Iterable[Line]) -> bytes:
    written = (
        json.dumps({"kind": kind, "data": data}, ensure_ascii=False, default=_plain) + "\n"
        for kind, data in lines
    )
    return "".join(written).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def _account(ctx: Context, user_id: uuid.UUID) -> list[Line]:
    user = await repository.user(ctx.session, user_id)
    if user is None:
        raise CredentialError
    account: dict[str, object] = {
        "id": user.id, "email": user.email, "name": user.name,
        "role": Role(user.role).name.lower(), "is_admin": user.is_admin, "status": user.status,
        "created_at": user.created_at, "last_login_at": user.last_login_at,
        "has_password": user.password_hash is not None, "second_factor_at": user.second_factor_at,
        "language": user.language, "new_email": user.new_email,
        "groups": [each.name for each in await repository.groups(ctx.session, user_id)],
    }  # fmt: skip
    passkeys = await repository.passkeys(ctx.session, user_id)
    elsewhere = await repository.provider_accounts(ctx.session, user_id)
    sessions = await repository.sessions(ctx.session, user_id)
    keys = await repository.keys(ctx.session, user_id)
    webhooks = await repository.webhooks(ctx.session, user_id)
    notices = await repository.notices(ctx.session, user_id)
    triggers = await repository.triggers(ctx.session, user_id)
    return [
        ("account", account),
        *(("passkey", _of(each, "id", "name", "created_at", "last_used_at")) for each in passkeys),
        *(("provider_account", _of(each, "issuer", "subject", "created_at")) for each in elsewhere),
        *(("session", _of(each, "id", "method", "created_at", "expires_at")) for each in sessions),
        *(("api_key", ApiKeyRead.model_validate(each).model_dump(mode="json")) for each in keys),
        *(("webhook", _of(each, "id", "name", "url", "events", "created_at")) for each in webhooks),
        *(("workflow_trigger", _of(each, *TRIGGER)) for each in triggers),
        # Written only where nobody has the address: it would tell which ones colleagues have.
        *(
            ("mail", _of(each, "id", "kind", "address", "status", "created_at"))
            for each in notices
            if each.kind != NoticeKind.EMAIL_CONFIRMATION
        ),
    ]


def _of(row: object, *names: str) -> dict[str, object]:
    return {name: getattr(row, name) for name in names}


async def _questions(ctx: Context, _: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    found = await queries.find_all(ctx, ids)
    # Ratings have lines of their own, and of others' nothing is told here.
    return [
        ("question", found[each].model_dump(mode="json", exclude={"feedback"}))
        for each in ids
        if each in found
    ]


async def _ratings(ctx: Context, user_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    found = await repository.feedback(ctx.session, user_id, ids)
    return [("rating", _of(each, "query_id", "rating", "comment", "created_at")) for each in found]


async def _documents(ctx: Context, _: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    readable = await documents.readable(ctx, ids)
    lines: list[Line] = []
    for each in await repository.added(ctx.session, ids):
        title = readable[each.id].document.title if each.id in readable else None
        lines.append(("document", {"id": each.id, "title": title, "added_at": each.created_at}))
    return lines


async def _agent_runs(ctx: Context, _: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    lines: list[Line] = []
    for each in ids:
        with suppress(AgentRunNotFoundError):  # forgotten a moment ago
            lines.append(("agent_run", (await agent_runs.get(ctx, each)).model_dump(mode="json")))
    return lines


async def _workflow_runs(ctx: Context, _: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    lines: list[Line] = []
    for each in ids:
        with suppress(WorkflowRunNotFoundError):  # forgotten a moment ago
            run = await workflow_runs.get(ctx, each)
            lines.append(("workflow_run", run.model_dump(mode="json")))
    return lines


async def _events(ctx: Context, user_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Line]:
    found = await repository.events(ctx.session, ids)
    return [("audit_event", _event(AuditRead.model_validate(each), user_id)) for each in found]


def _event(event: AuditRead, user_id: uuid.UUID) -> dict[str, object]:
    # The actor of what was done to this person, and their address, are data about another.
    others = {"actor_id", "credential_id", "address", "request_id"}
    hidden = set[str]() if event.actor_id == user_id else others
    return event.model_dump(mode="json", exclude={"actor_name", "object_name", *hidden})


_SECTIONS: tuple[tuple[repository.NextIds, Section], ...] = (
    (repository.questions, _questions),
    (repository.ratings, _ratings),
    (repository.documents, _documents),
    (repository.agent_runs, _agent_runs),
    (repository.workflow_runs, _workflow_runs),
    (repository.traces, _events),
)


async def _messages(
    platform: Platform, caller: Caller, user_id: uuid.UUID
) -> AsyncGenerator[list[Line], None]:
    """Each conversation, then its messages, oldest first."""
    last: uuid.UUID | None = None
    while True:
        async with unit_of_work(platform, caller) as ctx:
            ids = await repository.conversations(ctx.session, user_id, last)
        if not ids:
            return
        for each in ids:
            async for lines in _conversation(platform, caller, each):
                yield lines
        last = ids[-1]


async def _attached(ctx: Context, conversation_id: uuid.UUID) -> list[Line]:
    # There are fifty at most, which fit a page.
    found = await files.page(ctx, conversation_id, PageRequest(1, MAX_LIMIT))
    return [
        ("file", {"conversation_id": conversation_id, **each.model_dump(mode="json")})
        for each in found.items
    ]


async def _conversation(
    platform: Platform, caller: Caller, conversation_id: uuid.UUID
) -> AsyncGenerator[list[Line], None]:
    request = PageRequest(1, MAX_LIMIT)
    while True:
        async with unit_of_work(platform, caller) as ctx:
            try:
                head = await conversations.get(ctx, conversation_id)
                found = await conversations.messages(ctx, conversation_id, request)
                attached = await _attached(ctx, conversation_id) if request.page == 1 else []
            except ConversationNotFoundError:
                return  # deleted a moment ago
        lines: list[Line] = []
        if request.page == 1:
            lines += [("conversation", head.model_dump(mode="json")), *attached]
        for message in found.items:
            data: dict[str, object] = {"conversation_id": conversation_id}
            data |= message.model_dump(mode="json", exclude={"answer": {"feedback"}})
            lines.append(("message", data))
        yield lines
        if request.offset + len(found.items) >= found.total or not found.items:
            return
        request = PageRequest(request.page + 1, MAX_LIMIT)
