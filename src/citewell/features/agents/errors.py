"""Errors of agents."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError


class AgentNotFoundError(NotFoundError):
    """No such agent."""

    code = "agent_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no agent `{wanted}`.")


class AgentVersionNotFoundError(NotFoundError):
    """The agent has no such version."""

    code = "agent_version_not_found"

    def __init__(self, number: int) -> None:
        super().__init__(f"The agent has no version {number}.")


class AgentExistsError(ConflictError):
    """The slug is taken."""

    code = "agent_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(f"An agent `{slug}` exists already. Choose another slug.")


class AgentBuiltInError(ConflictError):
    """Built-in agents cannot be changed."""

    code = "agent_built_in"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"`{slug}` is built in and cannot be changed. Make an agent of your own with its "
            "definition."
        )


class TooManyAgentsError(ConflictError):
    """The tenant has as many agents as it can have."""

    code = "too_many_agents"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} agents already; remove one first.")


class InvalidAgentError(InvalidInputError):
    """A definition that cannot be run."""

    code = "invalid_agent"


class ModelNotSetError(ConflictError):
    """Agents need a language model, and none is set."""

    code = "model_not_set"
    title = "No language model is set"

    def __init__(self) -> None:
        super().__init__(
            "Agents need a language model: set CITEWELL_LLM to one that can call tools, such as "
            "`openai:MODEL`, `anthropic:MODEL` or `ollama:MODEL`, or make a connection for agents."
        )


class ModelNotAvailableError(ConflictError):
    """The agent names a model that this installation does not have."""

    code = "model_not_available"

    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"The model `{wanted}` is not available here. Name one that is, or none to use the "
            "default."
        )


class PriceUnknownError(ConflictError):
    """A limit of money cannot be kept because the model's price is not known."""

    code = "price_unknown"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The price of `{model}` is not known, so the agent's limit of money cannot be kept. "
            "Remove the limit, or choose another model."
        )


class AgentRunNotFoundError(NotFoundError):
    """No such run, or it is another user's."""

    code = "agent_run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"There is no agent run `{run_id}`.")


class AgentRunEndedError(ConflictError):
    """The run has ended."""

    code = "agent_run_ended"

    def __init__(self, status: str) -> None:
        super().__init__(f"The run has {status} already.")


class ApprovalNotFoundError(NotFoundError):
    """The run has no such call."""

    code = "approval_not_found"

    def __init__(self, call_id: object) -> None:
        super().__init__(f"The run has no call `{call_id}` that needs approval.")


class ApprovalDecidedError(ConflictError):
    """Somebody decided before, or the time for it is over."""

    code = "approval_decided"

    def __init__(self, status: str) -> None:
        super().__init__(f"The call waits for no decision any more: it is {status}.")


class ApprovalMismatchError(ConflictError):
    """The action that was shown is not the one that waits."""

    code = "approval_mismatch"

    def __init__(self) -> None:
        super().__init__(
            "`arguments_hash` is not that of the waiting call. Read the run again and look at the "
            "action before you approve it."
        )
