"""Statements by which a run at work keeps what it does, each sent and committed in a round trip."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from citewell.access.policy import Role
from citewell.core.context import BatchContext
from citewell.core.database.batches import StatementResult
from citewell.core.database.exchange import Rows
from citewell.engine.agents.base import CallState
from citewell.features.agents.schemas import RunAttempt, RunStanding
from citewell.models.agents import StepKind

# The run's row is the fence: an attempt that lost it, or a run that has ended, writes nothing.
_HELD = """
run AS (
  UPDATE agent_run SET entries = entries + 1, steps = steps + :steps, input_tokens = :input_tokens,
    output_tokens = :output_tokens, money = :money, seconds = :seconds
  WHERE tenant_id = :tenant_id AND id = :run_id AND attempt = :attempt AND status = 'running'
  RETURNING entries
), step AS (
  INSERT INTO agent_step (tenant_id, run_id, n, kind, payload)
  SELECT :tenant_id, :run_id, entries, :kind, CAST(:payload AS jsonb) FROM run
)"""

_REPLY = f"""
WITH {_HELD}, calls AS (
  INSERT INTO tool_execution
    (tenant_id, id, run_id, step, place, call_id, tool, arguments, arguments_hash)
  SELECT :tenant_id, c.id, :run_id, :step, c.place, c.call_id, c.tool, c.arguments, c.hash
  FROM run, jsonb_to_recordset(CAST(:calls AS jsonb))
    AS c (id uuid, place smallint, call_id text, tool text, arguments jsonb, hash text)
)
SELECT entries FROM run
"""  # noqa: S608 - a constant of ours

_RESULT = f"""
WITH {_HELD}, call AS (
  UPDATE tool_execution SET status = :status, output = :output,
    passages = CAST(:passages AS jsonb), document_ids = CAST(:document_ids AS uuid[]),
    input_tokens = :own_input, output_tokens = :own_output, money = :own_money,
    started_at = coalesce(started_at, now()), finished_at = now()
  FROM run WHERE tenant_id = :tenant_id AND id = :call AND finished_at IS NULL
)
SELECT entries FROM run
"""  # noqa: S608 - a constant of ours

_ASK = f"""
WITH {_HELD}, call AS (
  UPDATE tool_execution SET status = 'waiting', action = :action, has_effect = :has_effect,
    decided_by = NULL, decided_at = NULL, comment = NULL,
    expires_at = now() + make_interval(hours => :hours)
  FROM run WHERE tenant_id = :tenant_id AND id = :call
    AND status IN ('pending', 'approved', 'running')
)
SELECT entries FROM run
"""  # noqa: S608 - a constant of ours

# The rights of the users, as of the moment before the call; of a run, or of all at work here.
_STANDING = """
SELECT r.attempt = a.attempt AND r.status = 'running' AND j.status = 'running',
  t.status = 'active', u.status, u.role, coalesce(u.is_admin, false), k.scopes, a.id, a.attempt
FROM unnest(CAST(:run_ids AS uuid[]), CAST(:attempts AS int[])) AS a (id, attempt)
JOIN agent_run r ON r.tenant_id = :tenant_id AND r.id = a.id
JOIN agent_run root ON root.tenant_id = r.tenant_id AND root.id = r.root_id
JOIN job j ON j.tenant_id = r.tenant_id AND j.id = root.job_id
JOIN tenant t ON t.id = r.tenant_id
LEFT JOIN user_account u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
LEFT JOIN api_key k ON k.tenant_id = r.tenant_id AND k.id = r.key_id AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now())
"""

_FINISH = """
WITH run AS (
  UPDATE agent_run SET status = :status, reason = :reason, report = CAST(:report AS jsonb),
    finished_at = now(), entries = entries + 1, seconds = :seconds, money = :money,
    input_tokens = :input_tokens, output_tokens = :output_tokens
  WHERE tenant_id = :tenant_id AND id = :run_id AND attempt = :attempt AND status = 'running'
  RETURNING entries
), inner_runs AS (
  UPDATE agent_run r SET status = 'failed', reason = 'The run that asked for it ended.',
    finished_at = now()
  FROM run WHERE r.tenant_id = :tenant_id AND r.root_id = :run_id AND r.id <> :run_id
    AND r.status IN ('queued', 'running', 'waiting')
  RETURNING r.id
), calls AS (
  UPDATE tool_execution SET status = 'refused', finished_at = now()
  FROM run WHERE tenant_id = :tenant_id AND finished_at IS NULL
    AND (run_id = :run_id OR run_id IN (SELECT id FROM inner_runs))
), step AS (
  INSERT INTO agent_step (tenant_id, run_id, n, kind, payload)
  SELECT :tenant_id, :run_id, entries, 'end', '{}' FROM run
)
SELECT entries FROM run
"""

# A decision may have come between the question and this: then the run goes on at once. Decisions
# lock the outermost run; the lock is taken by a statement before the one that looks for them, whose
# snapshot would be older than a decision that it had to wait for: the run would wait for ever.
_LOCK_OUTERMOST = """
SELECT o.id FROM agent_run o JOIN agent_run r ON r.tenant_id = o.tenant_id AND r.root_id = o.id
WHERE r.tenant_id = :tenant_id AND r.id = :run_id FOR NO KEY UPDATE OF o
"""

_PAUSE = """
UPDATE agent_run p SET status = 'waiting', seconds = :seconds
WHERE p.tenant_id = :tenant_id AND p.id = :run_id AND p.attempt = :attempt AND p.status = 'running'
  AND EXISTS (
    SELECT FROM tool_execution t
    JOIN agent_run r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
    WHERE r.tenant_id = :tenant_id AND r.root_id = p.root_id AND t.status = 'waiting')
RETURNING p.id
"""

# Before the call begins: after a crash it says that the call may have had its effect. It locks the
# run's row, for which another attempt waits that begins meanwhile; one that has begun since the
# standing was read has the run, and no call begins here.
#
# A call that waits begins where a later attempt finds that nobody has to approve it any more: its
# tool has other terms by then, or the run has come to know the address that it reads. Whether one
# may begin is decided before, by `engine.agents.loop`; without `waiting` here such an attempt would
# take the run for lost. One that a person refused meanwhile is `denied`, and does not begin.
_BEGIN_CALL = """
WITH run AS (
  SELECT r.id FROM agent_run r
  WHERE r.tenant_id = :tenant_id AND r.id = :run_id AND r.attempt = :attempt
    AND r.status = 'running'
  FOR NO KEY UPDATE
)
UPDATE tool_execution t SET status = 'running', started_at = now(),
  has_effect = :has_effect OR coalesce(t.has_effect, false)
FROM run
WHERE t.tenant_id = :tenant_id AND t.id = :call AND t.run_id = run.id
  AND t.status IN ('pending', 'waiting', 'approved', 'running')
RETURNING t.id
"""


async def _note(ctx: BatchContext, statement: str, values: Mapping[str, object]) -> bool:
    """Write an entry and commit, in one round trip; False if the attempt has lost the run."""
    ctx.batch.commit_with_next()
    rows = await ctx.batch.ask(statement, {"tenant_id": ctx.tenant_id, **values}, list)
    return bool(rows)


async def note_reply(ctx: BatchContext, values: Mapping[str, object]) -> bool:
    """Keep a reply with its calls; False if the attempt has lost the run."""
    return await _note(ctx, _REPLY, {"kind": StepKind.REPLY.value, "steps": 1, **values})


async def note_result(ctx: BatchContext, values: Mapping[str, object]) -> bool:
    """Keep the result of a call; False if the attempt has lost the run."""
    return await _note(ctx, _RESULT, {"kind": StepKind.RESULT.value, "steps": 0, **values})


async def note_waiting(ctx: BatchContext, values: Mapping[str, object]) -> bool:
    """Keep that a call waits for a person; False if the attempt has lost the run."""
    return await _note(ctx, _ASK, {"kind": StepKind.APPROVAL.value, "steps": 0, **values})


async def standing(
    ctx: BatchContext, run_id: uuid.UUID, attempt: int, call: CallState | None = None
) -> RunStanding | None:
    """The run and the rights of its user now; with a call it is begun, in the same round trip.

    The run is told as not the attempt's where the call could not be begun.
    """
    wanted = RunAttempt(run_id, attempt)
    asked = _standings(ctx, [wanted])
    if call is not None:
        values = {
            "tenant_id": ctx.tenant_id, "run_id": run_id, "attempt": attempt,
            "call": uuid.UUID(call.key), "has_effect": bool(call.has_effect),
        }  # fmt: skip
        begun = ctx.batch.ask(_BEGIN_CALL, values, bool)
        ctx.batch.commit_with_next()
        found = (await asked).get(wanted)
        # Lost between the two statements: it would be done here and by the other attempt.
        is_lost = found is not None and not await begun
        return replace(found, is_mine=False) if found is not None and is_lost else found
    ctx.batch.commit_with_next()
    return (await asked).get(wanted)


async def standings(
    ctx: BatchContext, attempts: Sequence[RunAttempt]
) -> dict[RunAttempt, RunStanding]:
    """The runs of these attempts and the rights of their users now; those that are there."""
    asked = _standings(ctx, attempts)
    ctx.batch.commit_with_next()
    return await asked


def _standings(
    ctx: BatchContext, attempts: Sequence[RunAttempt]
) -> StatementResult[dict[RunAttempt, RunStanding]]:
    values = {
        "tenant_id": ctx.tenant_id, "run_ids": [each.run_id for each in attempts],
        "attempts": [each.number for each in attempts],
    }  # fmt: skip
    return ctx.batch.ask(_STANDING, values, _standings_in)


def _standings_in(rows: Rows) -> dict[RunAttempt, RunStanding]:
    found: dict[RunAttempt, RunStanding] = {}
    for is_mine, is_active, user_status, role, is_admin, key_scopes, run_id, number in rows:
        known = None if role is None else Role(role)
        found[RunAttempt(run_id, number)] = RunStanding(
            is_mine, is_active, user_status, known, is_admin, key_scopes
        )
    return found


async def finish(ctx: BatchContext, values: Mapping[str, object]) -> bool:
    """End a run with its status; False if the attempt has lost it."""
    return await _note(ctx, _FINISH, values)


async def pause(ctx: BatchContext, values: Mapping[str, object]) -> bool:
    """Have a run wait for a person; False if nothing waits any more, or the run is lost."""
    ctx.batch.ask(_LOCK_OUTERMOST, {"tenant_id": ctx.tenant_id, "run_id": values["run_id"]}, list)
    return await _note(ctx, _PAUSE, values)
