"""Errors of OpenAI's API; the codes are OpenAI's where it has one."""

from citewell.core.errors import AppError, InvalidInputError, NotFoundError


class ModelNotFoundError(NotFoundError):
    """No such model, or not for this caller."""

    code = "model_not_found"
    parameter = "model"

    def __init__(self, name: str) -> None:
        super().__init__(f"The model `{name}` does not exist or you do not have access to it.")


class ContextLengthExceededError(AppError):
    """A question or a conversation is longer than can be taken."""

    code = "context_length_exceeded"
    status = 400
    title = "The input is too long"
    parameter = "messages"

    def __init__(self, what: str, limit: int, given: int) -> None:
        super().__init__(
            f"{what} may have at most {limit:,} characters; this one has {given:,}. "
            "Shorten it, or leave out earlier messages."
        )


class UnsupportedParameterError(InvalidInputError):
    """A parameter of OpenAI's API that would change the reply and is not there."""

    code = "unsupported_parameter"

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


class InvalidMessagesError(InvalidInputError):
    """A conversation that nobody can go on with."""

    code = "invalid_messages"
    parameter = "messages"


class ToolsNeedModelError(InvalidInputError):
    """The client passed tools, and there is no language model to call them."""

    code = "tools_need_model"
    parameter = "tools"

    def __init__(self) -> None:
        super().__init__(
            "No language model is set up that could call tools. Leave `tools` out to get an "
            "answer from the documents, or ask the operator to set CITEWELL_LLM."
        )


class AgentRunFailedError(AppError):
    """The run of an agent has no answer; asked again it would begin anew."""

    code = "agent_run_failed"
    status = 422
    title = "The agent has no answer"

    def __init__(self, run_id: object, reason: str) -> None:
        super().__init__(f"{reason} `GET /api/v1/agent-runs/{run_id}` shows the run.")
