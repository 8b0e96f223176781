"""Errors of webhooks."""

from citewell.core.errors import InvalidInputError, NotFoundError


class WebhookNotFoundError(NotFoundError):
    """No such webhook or delivery, or not for this caller."""

    code = "webhook_not_found"

    def __init__(self, sought: object) -> None:
        super().__init__(f"There is no webhook or delivery `{sought}`.")


class InvalidWebhookError(InvalidInputError):
    """The address cannot be told anything, or there are too many webhooks."""

    code = "invalid_webhook"
