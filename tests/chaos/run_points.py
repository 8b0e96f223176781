"""Named points in the life of runs of agents and workflows at which a process can be killed."""

from .points import Point

_DECIDED = "old.decided_at IS NULL AND new.decided_at IS NOT NULL"
_FINISHED = "old.finished_at IS NULL AND new.finished_at IS NOT NULL"

RUN_POINTS = (
    Point("run accepted", "server", "idempotent_reply", "INSERT AT COMMIT"),
    Point("call decided", "server", "tool_execution", "UPDATE AT COMMIT", _DECIDED),
    Point("node decided", "server", "workflow_node_run", "UPDATE AT COMMIT", _DECIDED),
    Point(
        "attempt begun", "worker", "agent_run", "UPDATE AT COMMIT", "old.attempt <> new.attempt"
    ),
    Point(
        "tokens reserved", "worker", "usage_record", "BEFORE INSERT", "new.metric = 'model_tokens'"
    ),
    Point(
        "cost counted", "worker", "usage_record", "BEFORE INSERT", "new.metric = 'model_cost'"
    ),
    Point("keeping a reply", "worker", "agent_step", "BEFORE INSERT", "new.kind = 'reply'"),
    Point("reply kept", "worker", "agent_step", "INSERT AT COMMIT", "new.kind = 'reply'"),
    Point(
        "call begun", "worker", "tool_execution", "UPDATE AT COMMIT",
        "old.status <> 'running' AND new.status = 'running'",
    ),
    Point("keeping a result", "worker", "tool_execution", "BEFORE UPDATE", _FINISHED),
    Point("result kept", "worker", "tool_execution", "UPDATE AT COMMIT", _FINISHED),
    Point(
        "person asked", "worker", "tool_execution", "UPDATE AT COMMIT", "new.status = 'waiting'"
    ),
    Point(
        "run paused", "worker", "agent_run", "UPDATE AT COMMIT",
        "old.status <> 'waiting' AND new.status = 'waiting'",
    ),
    Point("run ended", "worker", "agent_run", "UPDATE AT COMMIT", _FINISHED),
    Point(
        "inner run made", "worker", "agent_run", "INSERT AT COMMIT", "new.parent_call IS NOT NULL"
    ),
    Point("nodes begun", "worker", "workflow_node_run", "INSERT AT COMMIT"),
    Point(
        "agent of a node made", "worker", "workflow_node_run", "UPDATE AT COMMIT",
        "old.agent_run_id IS NULL AND new.agent_run_id IS NOT NULL",
    ),
    Point(
        "node ended", "worker", "workflow_node_run", "BEFORE UPDATE",
        f"{_FINISHED} AND new.decided_at IS NULL",
    ),
    Point(
        "nested run made", "worker", "workflow_run", "INSERT AT COMMIT", "new.parent_id IS NOT NULL"
    ),
    Point(
        "workflow waits", "worker", "workflow_run", "UPDATE AT COMMIT",
        "old.status <> 'waiting' AND new.status = 'waiting'",
    ),
    Point(
        "workflow woken", "worker", "workflow_run", "UPDATE AT COMMIT",
        "old.status = 'waiting' AND new.status = 'queued'",
    ),
    Point("workflow ended", "worker", "workflow_run", "UPDATE AT COMMIT", _FINISHED),
    Point(
        "job done", "worker", "job", "UPDATE AT COMMIT",
        "old.status <> 'succeeded' AND new.status = 'succeeded'",
    ),
    Point("leaving the queue", "worker", "procrastinate_jobs", "BEFORE DELETE"),
)  # fmt: skip
