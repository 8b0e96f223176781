"""The job that sends: tried again, given up, taken over; each message once."""

import asyncio
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.fetching import Lane
from citewell.core.jobs import JobQueue, TransientJobError
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.http.health import RecentLooks
from citewell.entrypoints.installation import running_worker
from citewell.entrypoints.work import register_work
from citewell.features.jobs import repository as jobs_repository
from citewell.features.jobs import service as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.mail import service as mail
from citewell.features.mail.sending import SEND, SendingPace, queue_due, send
from citewell.features.notices import service as notices
from citewell.kit.ids import uuid7
from citewell.models.notices import Notice, NoticeKind
from citewell.models.tenancy import User
from citewell.models.work import Job
from tests.conftest import LiveServer, Servers, new_caller, open_patient, serving
from tests.features.mail.conftest import mailing
from tests.mailbox import Mailbox
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[3]

Found = tuple[str, int, str | None, Job | None]
"""Status, attempts and error of a message, and its job."""

QUICK = SendingPace(pauses=(0.1, 0.1), lease_margin=1.0)


@dataclass(frozen=True)
class Sender:
    """An installation, and a tenant with a user in it."""

    platform: Platform
    caller: Caller
    user_id: uuid.UUID
    email: str

    async def within(self, work: Any) -> Any:
        async with unit_of_work(self.platform, self.caller) as ctx:
            return await work(ctx)

    async def tell(self, address: str | None = None) -> None:
        async def told(ctx: Context) -> None:
            kind = NoticeKind.PASSKEY_ADDED
            assert await notices.tell(ctx, self.user_id, kind, address=address)

        await self.within(told)

    async def state(self) -> Found:
        """Status, attempts and error of the message, and its job."""

        async def read(ctx: Context) -> Found:
            notice = (await ctx.session.scalars(select(Notice))).one()
            job = await ctx.session.scalar(select(Job).where(Job.id == notice.job_id))
            return notice.status, notice.attempts, notice.error, job

        return await self.within(read)

    async def until(self, status: str) -> Found:
        """The state once the message has a status."""
        return await self.seen(lambda found: found[0] == status)

    async def seen(self, is_so: Callable[[Found], bool]) -> Found:
        """The state once it is so."""
        deadline = time.monotonic() + PATIENCE
        while not is_so(found := await self.state()):
            assert time.monotonic() < deadline, found
            await queue_due(self.platform)
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def sending(
    settings: Settings, url: str, *, pace: SendingPace = QUICK, has_worker: bool = True
) -> AsyncIterator[Sender]:
    """An installation with a worker that takes dead ones for dead soon."""
    async with open_patient(settings, url) as opened:
        queue = JobQueue[Platform](url, dead_after=1.0, poll=0.2)
        platform = replace(opened.holding(pace), queue=queue)
        register_work(queue, platform.schedules, settings)
        caller = await new_caller(platform)
        user = User(
            tenant_id=caller.tenant_id, id=uuid7(), email=f"{uuid.uuid4().hex}@example.org",
            password_hash="none",
        )  # fmt: skip
        async with unit_of_work(platform, caller) as ctx:
            ctx.session.add(user)
            await ctx.session.flush()
            user_id, email = user.id, user.email
        sender = Sender(platform, caller, user_id, email)
        if not has_worker:
            yield sender
            return
        async with running_worker(platform, adopt_all=False):
            yield sender


@pytest.fixture
async def sender(settings: Settings, own_mail_url: str, mailbox: Mailbox) -> AsyncIterator[Sender]:
    async with sending(mailing(settings, mailbox), own_mail_url) as opened:
        yield opened


@pytest.fixture
def own_mail_url(servers: Servers, template: str) -> Any:
    """A database of the test's own: no other worker takes its jobs."""
    name = f"citewell_mail_{uuid.uuid4().hex[:12]}"
    yield servers.create(name, template)
    servers.drop(name)


async def health_of(web: LiveServer) -> dict[str, Any]:
    """The summary's line on mail, looked at anew."""
    web.platform.state_of(RecentLooks).seconds = 0
    async with web.client() as client:
        found = (await client.get("/api/v1/health")).json()["dependencies"]
    [line] = [each for each in found if each["name"] == "mail"]
    return line


class TestAttempts:
    async def test_what_can_heal_is_tried_again_and_arrives_once(
        self, sender: Sender, mailbox: Mailbox
    ) -> None:
        mailbox.refusals[sender.email] = f"451 4.7.1 {sender.email} greylisted"
        await sender.tell()
        found = await sender.seen(lambda found: found[2] is not None)
        assert found[2] == "The server refuses the recipient (451 4.7.1)"
        # It says nothing of the server.
        assert not await mail.is_failing(sender.platform)
        del mailbox.refusals[sender.email]
        status, attempts, error, job = await sender.until("sent")
        [letter] = mailbox.letters
        assert (letter.recipients, error) == ((sender.email,), None)
        assert attempts in (2, 3)
        assert job is not None
        assert job.kind == "mail.send"
        assert status == "sent"

    async def test_a_recipient_refused_for_good_is_given_up_at_once(
        self, sender: Sender, mailbox: Mailbox
    ) -> None:
        mailbox.refusals[sender.email] = f"550 5.1.1 <{sender.email}> unknown"
        await sender.tell()
        _, attempts, error, job = await sender.until("failed")
        assert (attempts, error) == (1, "The server refuses the recipient (550 5.1.1)")
        assert not await mail.is_failing(sender.platform)
        assert job is not None
        assert sender.email not in (job.reason or "")

    async def test_a_server_that_was_away_gets_what_waited_and_health_says_so_in_any_process(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        mailbox.shut()
        pace = SendingPace(pauses=(0.1,) * 1_000, lease_margin=1.0)
        with_mail = mailing(settings, mailbox)
        with serving(with_mail, own_mail_url, has_worker=False) as web:
            assert (await health_of(web))["status"] == "ok"
            async with sending(with_mail, own_mail_url, pace=pace) as sender:
                await sender.tell()
                await sender.seen(lambda found: found[1] >= 2)
                found = await health_of(web)
                assert (found["status"], found["reason"]) == (
                    "degraded", "does not take messages; they are sent again",
                )  # fmt: skip
                mailbox.open()
                await sender.until("sent")
                assert len(mailbox.letters) == 1
                assert (await health_of(web))["status"] == "ok"

    async def test_it_waits_in_a_lane_that_no_other_work_fills(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        with_mail = mailing(settings, mailbox)
        async with sending(with_mail, own_mail_url, has_worker=False) as sender:
            await sender.tell()
            await queue_due(sender.platform)

            async def lanes(ctx: Context) -> list[str]:
                queued = "SELECT queue_name FROM procrastinate_jobs WHERE task_name = :task"
                return list(await ctx.session.scalars(text(queued), {"task": SEND}))

            assert await sender.within(lanes) == [Lane.MAIL]

    async def test_one_that_cannot_be_written_is_given_up_with_its_reason(
        self, sender: Sender
    ) -> None:
        await sender.tell("=?utf-8?q?a=0ab?=@example.org")
        await sender.until("failed")
        found = await sender.seen(
            lambda found: found[3] is not None and found[3].status == "failed"
        )
        reason = "The message cannot be written for this address"
        assert found[1:3] == (1, reason)
        assert found[3] is not None
        assert found[3].reason == f"{reason}; given up after attempt 1."

    async def test_it_is_given_up_in_the_end_and_sent_when_an_administrator_tries_again(
        self, sender: Sender, mailbox: Mailbox
    ) -> None:
        mailbox.data_reply = "421 4.3.0 later"
        await sender.tell()
        _, attempts, error, job = await sender.until("failed")
        assert (attempts, error) == (3, "The server refuses the message (421 4.3.0)")
        assert job is not None
        await sender.seen(lambda found: found[3] is not None and found[3].status == "failed")
        mailbox.data_reply = "250 OK"

        async def again(ctx: Context) -> None:
            await jobs.retry(ctx, job.id)

        await sender.within(again)
        await sender.until("sent")
        assert len(mailbox.letters) == 1

    async def test_a_job_that_was_cancelled_sends_nothing(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        mailbox.shut()
        pace = SendingPace(pauses=(3_600,), lease_margin=1.0)
        async with sending(mailing(settings, mailbox), own_mail_url, pace=pace) as sender:
            await sender.tell()
            job = (await sender.seen(lambda found: found[2] is not None))[3]
            assert job is not None

            async def cancel(ctx: Context) -> None:
                await jobs.cancel(ctx, job.id)

            await sender.within(cancel)
            mailbox.open()
            _, _, error, _ = await sender.until("failed")
            assert error == "Its job was cancelled or has failed"
            assert mailbox.letters == []

    async def test_a_worker_without_a_server_leaves_it_to_others(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        with_mail = mailing(settings, mailbox)
        async with sending(with_mail, own_mail_url, has_worker=False) as sender:
            await sender.tell()
            async with sending(settings, own_mail_url) as other:
                assert not await other.within(
                    lambda ctx: notices.tell(ctx, other.user_id, NoticeKind.PASSKEY_ADDED)
                )
                async with running_worker(sender.platform, adopt_all=False):
                    await sender.until("sent")
        assert [each.recipients for each in mailbox.letters] == [(sender.email,)]


WORKER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from pydantic import SecretStr
from citewell.core.settings import Settings
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_worker
from citewell.features.mail.sending import SendingPace

home, url, smtp = sys.argv[1:]
settings = Settings(
    _env_file=None, home=home, database_url=url, smtp_url=SecretStr(smtp), smtp_seconds=2,
    mail_from="no-reply@example.org", public_url="https://citewell.example.org", threads=1,
)

async def work():
    async with open_platform(settings, DatabaseHandle(url, is_first_user=False)) as platform:
        pace = SendingPace(pauses=(0.1, 0.1), lease_margin=3.0)
        async with running_worker(platform.holding(pace), adopt_all=False):
            await asyncio.sleep(600)

asyncio.run(work())
"""


def kill_in_between(command: list[str], mailbox: Mailbox) -> None:
    """Run a worker until it has leased a message and is handing it over, and kill it there."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not mailbox.recipients:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.processes
class TestDeath:
    async def test_a_message_of_a_worker_killed_before_it_was_taken_is_sent_once_by_another(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        mailbox.is_silent = True
        with_mail = mailing(settings, mailbox, smtp_seconds=2)
        async with sending(with_mail, own_mail_url, has_worker=False) as sender:
            await sender.tell()
            smtp = f"smtp://127.0.0.1:{mailbox.port}?tls=none"
            command = [sys.executable, "-c", WORKER, str(settings.home), own_mail_url, smtp]
            await asyncio.to_thread(kill_in_between, command, mailbox)
            killed = await sender.state()
            assert killed[:2] == ("pending", 1)
            assert mailbox.letters == []
            mailbox.is_silent = False
            async with running_worker(sender.platform, adopt_all=False):
                _, attempts, _, _ = await sender.until("sent")
            assert attempts == 2
            [letter] = mailbox.letters

            async def ids(ctx: Context) -> list[uuid.UUID]:
                return list(await ctx.session.scalars(select(Notice.id)))

            [notice_id] = await sender.within(ids)
            assert letter.message["Message-ID"] == f"<{notice_id}@example.org>"

    async def test_one_that_is_taken_for_dead_and_lives_is_not_joined_by_another(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        with_mail = mailing(settings, mailbox)
        async with sending(with_mail, own_mail_url, has_worker=False) as sender:
            await sender.tell()
            await queue_due(sender.platform)
            job = (await sender.state())[3]
            assert job is not None

            async def begin(ctx: Context) -> tuple[int, int] | None:
                return await jobs_repository.begin(ctx.session, job.id)

            begun = await sender.within(begin)
            assert begun == (1, 0)
            attempt = Attempt(sender.platform, sender.caller, job.id, *begun)
            ends = await asyncio.gather(send(attempt), send(attempt), return_exceptions=True)
            # None where the one has noted its end before the other begins, on a busy machine.
            for refused in (each for each in ends if each is not None):
                assert isinstance(refused, TransientJobError)
                assert refused.reason == "Another worker may be sending it"
                assert 0 < (refused.retry_after or 0) <= 31
            assert ends.count(None) >= 1
            assert len(mailbox.letters) == 1
            # Nor is it sent again once it is noted.
            await send(attempt)
            assert len(mailbox.letters) == 1

    async def test_two_workers_send_each_message_once(
        self, settings: Settings, own_mail_url: str, mailbox: Mailbox
    ) -> None:
        with_mail = mailing(settings, mailbox)
        async with sending(with_mail, own_mail_url) as one, sending(with_mail, own_mail_url) as two:
            for _ in range(10):
                await one.tell()
                await two.tell()
            await mailbox.arrived(20)
            await asyncio.sleep(1)
        assert len(mailbox.letters) == 20
        assert len({each.message["Message-ID"] for each in mailbox.letters}) == 20
