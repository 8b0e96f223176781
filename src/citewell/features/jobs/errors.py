"""Errors of jobs."""

from citewell.core.errors import ConflictError, NotFoundError


class JobNotFoundError(NotFoundError):
    """No such job, or its document is not readable by this caller."""

    code = "job_not_found"

    def __init__(self, job_id: object) -> None:
        super().__init__(f"There is no job `{job_id}`.")


class JobStoppedError(Exception):
    """The job was cancelled or given to another worker, so its attempt must stop."""


class JobFinishedError(ConflictError):
    """The job has ended in a way that leaves nothing to do."""

    code = "job_finished"


class JobUnfinishedError(ConflictError):
    """The job, or another one about the same version, is still to be done."""

    code = "job_unfinished"
