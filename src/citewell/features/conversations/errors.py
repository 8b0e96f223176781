"""Errors of conversations."""

from citewell.core.errors import ConflictError, NotFoundError


class ConversationNotFoundError(NotFoundError):
    """No such conversation, or not for this caller."""

    code = "conversation_not_found"

    def __init__(self, conversation_id: object) -> None:
        super().__init__(f"There is no conversation `{conversation_id}`.")


class MessageNotFoundError(NotFoundError):
    """No such message in the conversation."""

    code = "message_not_found"

    def __init__(self, message_id: object) -> None:
        super().__init__(f"There is no message `{message_id}` in this conversation.")


class StreamNotFoundError(NotFoundError):
    """No events of such an answer, or not for this caller, or not any more."""

    code = "stream_not_found"

    def __init__(self, message_id: object) -> None:
        super().__init__(
            f"There are no events of the message `{message_id}`. Read the conversation's messages."
        )


class FilesFullError(ConflictError):
    """The conversation has as many files as one may have."""

    code = "conversation_files_full"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A conversation has {most} files at most. Put more of them into the library."
        )


class ConversationFullError(ConflictError):
    """The conversation has as many messages as one may have."""

    code = "conversation_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"A conversation has {most:,} messages at most. Begin another one.")
