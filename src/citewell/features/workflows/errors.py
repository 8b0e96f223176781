"""Errors of workflows."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError


class WorkflowNotFoundError(NotFoundError):
    """No such workflow."""

    code = "workflow_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no workflow `{wanted}`.")


class WorkflowVersionNotFoundError(NotFoundError):
    """The workflow has no such version."""

    code = "workflow_version_not_found"

    def __init__(self, number: int) -> None:
        super().__init__(f"The workflow has no version {number}.")


class WorkflowExistsError(ConflictError):
    """The slug is taken."""

    code = "workflow_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(f"A workflow `{slug}` exists already. Choose another slug.")


class TooManyWorkflowsError(ConflictError):
    """The tenant has as many workflows as it can have."""

    code = "too_many_workflows"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} workflows already; remove one first.")


class InvalidWorkflowError(InvalidInputError):
    """A text that is no workflow that can be run."""

    code = "invalid_workflow"
    title = "The workflow cannot be run"


class InvalidWorkflowInputError(InvalidInputError):
    """The inputs are not those that the workflow takes."""

    code = "invalid_workflow_input"


class WorkflowRunNotFoundError(NotFoundError):
    """No such run, or it is another user's."""

    code = "workflow_run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"There is no workflow run `{run_id}`.")


class WorkflowRunEndedError(ConflictError):
    """The run has ended."""

    code = "workflow_run_ended"

    def __init__(self, status: str) -> None:
        super().__init__(f"The run has {status} already.")


class WorkflowRunOpenError(ConflictError):
    """The run has not ended."""

    code = "workflow_run_open"

    def __init__(self, status: str) -> None:
        super().__init__(f"The run is {status}; cancel it, or wait for its end, to retry it.")


class WorkflowNodeNotFoundError(NotFoundError):
    """The run has no such node."""

    code = "workflow_node_not_found"

    def __init__(self, node: str) -> None:
        super().__init__(f"The run has no node `{node}` that this could be done with.")


class WorkflowDecidedError(ConflictError):
    """Somebody decided before, or the time for it is over."""

    code = "workflow_decided"

    def __init__(self, status: str) -> None:
        super().__init__(f"The node waits for no decision any more: it is {status}.")


class WorkflowMismatchError(ConflictError):
    """The message that was shown is not the one that waits."""

    code = "workflow_mismatch"

    def __init__(self) -> None:
        super().__init__(
            "`action_hash` is not that of the waiting node. Read the run again and look at the "
            "message before you decide."
        )


class TriggerNotFoundError(NotFoundError):
    """No such trigger, or it is another user's."""

    code = "trigger_not_found"

    def __init__(self, trigger_id: object) -> None:
        super().__init__(f"There is no trigger `{trigger_id}`.")


class TooManyTriggersError(ConflictError):
    """The tenant has as many triggers as it can have."""

    code = "too_many_triggers"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} triggers already; remove one first.")


class InvalidTriggerError(InvalidInputError):
    """A trigger that could never start a run."""

    code = "invalid_trigger"


class WorkflowTemplateNotFoundError(NotFoundError):
    """No such template."""

    code = "workflow_template_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no template `{name}`; `GET /workflows/templates` lists them.")
