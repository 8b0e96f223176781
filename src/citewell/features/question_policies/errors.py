"""Errors of questions that the tenant's rules do not admit."""

import uuid

from citewell.core.errors import AppError

BUSY_SECONDS = 3
"""Retry-After where too many questions are under way: most answers take no longer."""


class QuestionNotAdmittedError(AppError):
    """The tenant's rules do not admit a question; the log of questions notes it."""

    status = 403
    title = "This question is not admitted"


class QuestionRefusedError(QuestionNotAdmittedError):
    """A pattern of the tenant fits; the detail is the tenant's own message."""

    code = "question_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.parameter = "query"


class QuestionTooLongError(QuestionNotAdmittedError):
    """The question has more characters than the tenant admits."""

    code = "question_too_long"
    status = 422
    title = "The question is too long"

    def __init__(self, length: int, longest: int) -> None:
        super().__init__(
            f"The question has {length:,} characters, and your organisation admits {longest:,}. "
            "Ask a shorter one."
        )
        self.parameter = "query"


class CollectionNotAskedError(QuestionNotAdmittedError):
    """The question names a collection that the asker's role does not ask."""

    code = "collection_not_asked"
    title = "This collection is not asked"

    def __init__(self, collection_id: uuid.UUID) -> None:
        # The same for one that does not exist: the list of the role is all that was looked at.
        super().__init__(
            f"Your organisation does not have your role ask the collection {collection_id}. Ask "
            "without naming it, or have an administrator admit it."
        )
        self.parameter = "collection_ids"


class QuestionTimedOutError(QuestionNotAdmittedError):
    """The answer took longer than the tenant admits."""

    code = "question_timed_out"
    status = 504
    title = "The answer took too long"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"The answer was not there within the {seconds:,} seconds that your organisation "
            "admits. Ask for less at a time, or have an administrator admit more."
        )


class TooManyQuestionsError(AppError):
    """As many questions are being answered as the tenant admits at a time."""

    code = "too_many_questions"
    status = 429
    title = "Too many questions at a time"

    def __init__(self, most: int, *, is_own: bool) -> None:
        whose = "of yours" if is_own else "of your organisation"
        super().__init__(
            f"{most:,} question{'' if most == 1 else 's'} {whose} may be answered at a time, and "
            f"that many are; try again in {BUSY_SECONDS} seconds."
        )
        self.retry_after = BUSY_SECONDS
