"""Errors of the engine; they know nothing of HTTP."""


class EngineError(Exception):
    """Base of what the engine raises."""


class ProviderError(EngineError):
    """A model or service we call did not do its work.

    `retryable` says whether the same call may succeed later, `retry_after` in how many seconds.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class RequestRefusedError(ProviderError):
    """A model does not take this request; others it may take.

    It says nothing of the model's health: whoever asks again with the same gets the same.
    """


class ProviderConfigurationError(EngineError):
    """A provider cannot be used as it is set up; the message says what to change."""
