"""Rounds of telling, rests after failures, and logs that end; jobs run when a test runs them."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from citewell.core.context import SYSTEM, Caller, unit_of_work
from citewell.core.fetching import Lane
from citewell.core.platform import Platform
from citewell.features.jobs import repository as jobs
from citewell.features.jobs.attempts import Attempt
from citewell.features.webhooks import repository, sending, service, upkeep
from citewell.features.webhooks.schemas import LogLimits, WebhookCreate, WebhookEvent, WebhookUpdate
from citewell.kit.clock import utc_now
from citewell.models.webhooks import Webhook, WebhookDelivery
from tests.conftest import new_caller
from tests.people import People
from tests.quiet import Shelf

from .conftest import Receiver

_ADD = text("""
INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id, status, created_at)
SELECT tenant_id, gen_random_uuid(), id, :event, :object_id, :status,
  now() - make_interval(days => :days) + make_interval(secs => n)
FROM webhook, generate_series(1, :count) AS n WHERE id = :webhook_id
""")


@dataclass(frozen=True)
class Hook:
    """A webhook of the operator's."""

    platform: Platform
    caller: Caller
    id: uuid.UUID

    async def add(
        self, count: int, *, event: str = "job.failed", object_id: uuid.UUID | None = None,
        status: str = "pending", days: int = 0,
    ) -> None:  # fmt: skip
        """Events in the log; those of a job, unless said otherwise, that is not there."""
        values = {
            "webhook_id": self.id, "event": event, "object_id": object_id or uuid.uuid4(),
            "status": status, "days": days, "count": count,
        }  # fmt: skip
        async with unit_of_work(self.platform, self.caller) as ctx:
            await ctx.session.execute(_ADD, values)

    async def queue(self) -> uuid.UUID | None:
        """The job that is queued for it now, if one is."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            before = await ctx.session.scalar(select(Webhook.job_id))
        await upkeep.queue_due(self.platform)
        async with unit_of_work(self.platform, self.caller) as ctx:
            found = await ctx.session.scalar(select(Webhook.job_id))
        return None if found == before else found

    async def tell(self, platform: Platform | None = None) -> bool:
        """One job of it; False if there is none to do."""
        job_id = await self.queue()
        if job_id is None:
            return False
        system = Caller(self.caller.tenant_id, SYSTEM)
        async with unit_of_work(self.platform, system) as ctx:
            begun = await jobs.begin(ctx.session, job_id)
        assert begun is not None
        number, _ = begun
        try:
            await sending.deliver(Attempt(platform or self.platform, system, job_id, number))
        finally:
            async with unit_of_work(self.platform, system) as ctx:
                await jobs.succeed(ctx.session, job_id, number)
        return True

    async def wait(self) -> None:
        """Let the rest of the webhook and the pauses of its events be over."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            await ctx.session.execute(text("UPDATE webhook SET not_before = now()"))
            await ctx.session.execute(
                text("UPDATE webhook_delivery SET next_at = now() WHERE status = 'pending'")
            )

    async def row(self) -> Webhook:
        """Its row."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            return (await ctx.session.scalars(select(Webhook))).one()

    async def log(self) -> list[WebhookDelivery]:
        """Its log, oldest first."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            rows = select(WebhookDelivery).order_by(WebhookDelivery.created_at)
            return list(await ctx.session.scalars(rows))


@pytest.fixture
async def hook(quiet: Platform, people: People, receiver: Receiver) -> Hook:
    """A webhook that is told of everything."""
    data = WebhookCreate(name="Ours", url=receiver.url, events=list(WebhookEvent))
    made = await service.create(quiet, people.operator, data)
    return Hook(quiet, people.operator, made.id)


@pytest.fixture
async def job_id(shelf: Shelf) -> uuid.UUID:
    """A job that the webhook may be told of, noted before there was one."""
    added = await shelf.add("a.txt", "words")
    assert added.job_id is not None
    return added.job_id


class TestRounds:
    async def test_an_outage_is_one_failure_a_round_however_many_events_wait(
        self, job_id: uuid.UUID, hook: Hook, receiver: Receiver
    ) -> None:
        await hook.add(sending.MOST_FAILURES, object_id=job_id)
        receiver.status = 503
        rests: list[timedelta] = []
        for failures in (1, 2, 3):
            begun = utc_now()
            assert await hook.tell()
            row = await hook.row()
            assert (row.is_active, row.failures) == (True, failures)
            assert len(receiver.messages) == failures
            assert row.not_before is not None
            rests.append(row.not_before - begun)
            assert not await hook.tell(), "it rests, with all that waits"
            await hook.wait()
        assert all(
            rest >= timedelta(seconds=least) for rest, least in zip(rests, (5, 10, 20), strict=True)
        )
        receiver.status = 200
        assert await hook.tell()
        row = await hook.row()
        assert (row.failures, row.not_before) == (0, None)
        assert {each.status for each in await hook.log()} == {"delivered"}

    async def test_rounds_that_fail_turn_it_off_after_more_than_a_day(
        self, job_id: uuid.UUID, hook: Hook, receiver: Receiver
    ) -> None:
        rests = [sending.rest_after(failures) for failures in range(1, sending.MOST_FAILURES)]
        assert timedelta(hours=24) < sum(rests, timedelta()) < timedelta(hours=48)
        receiver.status = 503
        await hook.add(3, object_id=job_id)
        async with unit_of_work(hook.platform, hook.caller) as ctx:
            failures = sending.MOST_FAILURES - 1
            await repository.note_standing(ctx.session, hook.id, failures, None)
        assert await hook.tell()
        row = await hook.row()
        assert not row.is_active
        assert row.disabled_reason == f"{sending.MOST_FAILURES} attempts failed in a row."

    async def test_a_replay_and_being_turned_on_end_therest_after(
        self, job_id: uuid.UUID, hook: Hook, receiver: Receiver
    ) -> None:
        receiver.status = 503
        await hook.add(1, object_id=job_id)
        for _ in range(2):
            assert await hook.tell()
            [delivery] = await hook.log()
            async with unit_of_work(hook.platform, hook.caller) as ctx:
                await service.replay(ctx, hook.id, delivery.id)
        for is_active in (False, True):
            change = WebhookUpdate(is_active=is_active)
            await service.update(hook.platform, hook.caller, hook.id, change)
            assert (await hook.row()).not_before is None

    async def test_a_job_gives_its_place_up_for_other_webhooks(
        self, job_id: uuid.UUID, hook: Hook, receiver: Receiver
    ) -> None:
        await hook.add(3, object_id=job_id)
        short = hook.platform.holding(sending.RoundPace(seconds=-1))
        for told in (1, 2, 3):
            assert await hook.tell(short)
            assert len(receiver.messages) == told

    async def test_it_waits_in_a_lane_of_its_own(self, job_id: uuid.UUID, hook: Hook) -> None:
        await hook.add(1, object_id=job_id)
        assert await hook.queue()
        async with unit_of_work(hook.platform, hook.caller) as ctx:
            lanes = await ctx.session.scalars(
                text(
                    "SELECT queue_name FROM procrastinate_jobs WHERE task_name = :task"
                    " AND args ->> 'tenant_id' = :tenant_id"
                ),
                {"task": sending.DELIVER, "tenant_id": str(ctx.tenant_id)},
            )
            assert list(lanes) == [Lane.OUTBOUND]

    async def test_an_error_that_nobody_foresaw_counts_and_is_followed_by_arest_after(
        self, hook: Hook, receiver: Receiver
    ) -> None:
        # Without the facts that its telling needs.
        await hook.add(1, event="document.deleted")
        for failures in (1, 2):
            with pytest.raises(KeyError):
                await hook.tell()
            row, [delivery] = await hook.row(), await hook.log()
            assert (row.failures, delivery.attempts) == (failures, failures)
            assert (delivery.status, delivery.error) == ("pending", sending.UNFINISHED)
            assert row.not_before is not None
            assert row.not_before > utc_now()
            assert not await hook.tell()
            await hook.wait()
        async with unit_of_work(hook.platform, hook.caller) as ctx:
            failures = sending.MOST_FAILURES
            await repository.note_standing(ctx.session, hook.id, failures, None)
        assert await hook.tell()
        assert not (await hook.row()).is_active
        assert receiver.messages == []


class TestForgetting:
    async def test_a_log_ends_by_age_and_by_number(
        self, quiet: Platform, job_id: uuid.UUID, hook: Hook
    ) -> None:
        await hook.add(3, status="delivered", days=40, object_id=job_id)
        await hook.add(4, status="failed", days=2, object_id=job_id)
        await hook.add(6, days=1, object_id=job_id)
        kept = [each.id for each in await hook.log()]
        few = LogLimits(days=30, most_kept=2, most_waiting=5)
        await upkeep.forget_old(quiet.holding(few))
        assert [each.id for each in await hook.log()] == [*kept[5:7], *kept[8:]]
        async with quiet.database.lookup() as session:
            assert await repository.tenants_with_full(session, few) == []

    async def test_a_tenant_within_the_limits_is_not_visited(
        self, quiet: Platform, job_id: uuid.UUID, hook: Hook
    ) -> None:
        await hook.add(5, status="delivered", object_id=job_id)
        await new_caller(quiet)
        for most_kept, full in ((5, []), (4, [hook.caller.tenant_id])):
            limits = LogLimits(most_kept=most_kept)
            async with quiet.database.lookup() as session:
                assert await repository.tenants_with_full(session, limits) == full
