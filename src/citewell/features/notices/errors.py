"""Errors of messages to people."""

from citewell.core.errors import ConflictError


class MailOffError(ConflictError):
    """The operator has set no mail server."""

    code = "mail_off"
    title = "No mail is sent here"

    def __init__(self) -> None:
        super().__init__("This installation sends no mail; its operator can set CITEWELL_SMTP_URL.")
