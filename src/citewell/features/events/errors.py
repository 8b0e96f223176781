"""Errors of open streams; on a socket each is a message or the reason of its end."""

from citewell.core.errors import (
    AppError,
    ForbiddenError,
    InvalidInputError,
    UnauthorizedError,
    UnavailableError,
)


class UnknownTopicError(InvalidInputError):
    """There is no such topic."""

    code = "unknown_topic"

    def __init__(self) -> None:
        super().__init__("A topic is `document:ID`, `user:me` or `jobs`.")


class NoUserError(InvalidInputError):
    """The topic is about a user, and the credential belongs to none."""

    code = "no_user"

    def __init__(self) -> None:
        super().__init__(
            "This key belongs to your organisation, not to a user: there is no `user:me`. "
            "Subscribe to `jobs` or to documents."
        )


class TooManyTopicsError(InvalidInputError):
    """The stream has the most topics it can have."""

    code = "too_many_topics"


class UnreadableMessageError(AppError):
    """The message is no JSON object."""

    code = "unreadable_message"
    status = 400
    title = "The message cannot be read"
    close_code = 1007

    def __init__(self) -> None:
        super().__init__("Send JSON objects, each as one text message.")


class BinaryMessageError(UnreadableMessageError):
    """The message is binary."""

    close_code = 1003


class NotSignedInError(UnauthorizedError):
    """The first message was late, or not the one that signs in."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f'Send {{"type": "auth", "token": ...}} first, within {seconds:.0f} seconds.'
        )


class OtherCallerError(ForbiddenError):
    """The new token is somebody else's."""

    code = "other_caller"

    def __init__(self) -> None:
        super().__init__("This socket was opened by somebody else; open another one.")


class TooManyMessagesError(AppError):
    """More messages than a socket may send."""

    code = "too_many_messages"
    status = 429
    title = "Too many messages"

    def __init__(self) -> None:
        super().__init__("Too many messages; open another socket later and send fewer.")


class TooManyStreamsError(AppError):
    """The caller has the most streams that may be open."""

    code = "too_many_streams"
    status = 429
    title = "Too many streams"
    retry_after = 10

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit:,} streams open already; close some.")


class ServerBusyError(UnavailableError):
    """This process has as many streams as it can hold."""

    code = "server_busy"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("This server has as many streams as it can hold; try again later.")


class TooSlowError(UnavailableError):
    """The reader has fallen behind by more than its queue holds."""

    code = "too_slow"

    def __init__(self) -> None:
        super().__init__("Too slow; resume with the last event id.")


class ServerClosingError(UnavailableError):
    """The server stops."""

    code = "server_closing"
    close_code = 1001

    def __init__(self) -> None:
        super().__init__("The server stops; come back and resume with the last event id.")
