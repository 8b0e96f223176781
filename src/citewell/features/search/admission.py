"""Admission of questions and searches, with those that are refused in the log."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.features.question_policies import admission as policies
from citewell.features.question_policies.admission import AdmittedQuestion
from citewell.features.question_policies.errors import QuestionNotAdmittedError
from citewell.features.question_policies.schemas import AskedQuestion
from citewell.features.search.answer_records import keep_refusal
from citewell.features.search.schemas import QueryRequest


@asynccontextmanager
async def admitted(
    platform: Platform,
    caller: Caller,
    request: QueryRequest,
    *,
    reader: Caller | None = None,
    said: Sequence[str] = (),
) -> AsyncGenerator[AdmittedQuestion, None]:
    """Admit a question for as long as the block lasts; raises as `policies.admitted` does.

    Args:
        platform: The handles of the process.
        caller: Who asks.
        request: The question as it was asked.
        reader: Whose access it has; None: the caller's.
        said: What the client says was asked before, which a model would read too.
    """
    asked = AskedQuestion(
        request.query,
        tuple(said),
        (reader or caller).actor.role,
        tuple(request.collection_ids or ()),
    )
    async with (
        refusals_kept(platform, caller, request),
        policies.admitted(platform, caller, asked) as admission,
    ):
        yield admission


@asynccontextmanager
async def refusals_kept(
    platform: Platform, caller: Caller, request: QueryRequest
) -> AsyncGenerator[None, None]:
    """Note in the log of questions if the tenant's rules end the block."""
    try:
        yield
    except QuestionNotAdmittedError as error:
        await keep_refusal(platform, caller, request, error)
        raise


async def admit_run(
    platform: Platform,
    caller: Caller,
    question: str,
    run_id: uuid.UUID,
    said: Sequence[str] = (),
) -> AdmittedQuestion:
    """Admit the task of an agent; raises as `policies.admit_run` does.

    Args:
        platform: The handles of the process.
        caller: Who asks.
        question: The task as the person wrote it.
        run_id: The run that will be made.
        said: What the client says was asked before, which is a part of the task.
    """
    asked = AskedQuestion(question, tuple(said), caller.actor.role)
    async with refusals_kept(platform, caller, _of_task(question)):
        return await policies.admit_run(platform, caller, asked, run_id)


async def admit_task(platform: Platform, caller: Caller, task: str) -> AdmittedQuestion:
    """Admit a task that a workflow gives an agent; raises as `policies.admit_made` does."""
    asked = AskedQuestion(task, (), caller.actor.role)
    async with refusals_kept(platform, caller, _of_task(task)):
        return await policies.admit_made(platform, caller, asked)


def _of_task(text: str) -> QueryRequest:
    return QueryRequest.model_construct(query=text)
