"""Errors of mail."""

from citewell.core.errors import AppError, ConflictError


class MailServerError(AppError):
    """The mail server does not take the message, or does not answer."""

    code = "mail_server"
    status = 503
    title = "The mail server does not take it"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}.")


class MailNotSentError(ConflictError):
    """A message was given up; the end of its job."""

    code = "mail_not_sent"

    def __init__(self, reason: str, attempts: int) -> None:
        super().__init__(f"{reason}; given up after attempt {attempts}.")
