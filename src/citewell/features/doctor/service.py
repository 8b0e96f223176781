"""Compares a tenant's rows, passages, terms and files with each other, and repairs differences."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.features.doctor import files, integrity, passages, repository, versions
from citewell.features.doctor.checks import Check, CheckRun, OnStep
from citewell.features.doctor.schemas import MOST_EXAMPLES, CheckReport, Fault, Report

__all__ = ["CHECKS", "CheckReport", "Report", "check"]

GRACE = timedelta(hours=1)
"""Default minimum age of an orphan; an upload registers its file long before."""

WAIT_SECONDS = 600.0
"""Longest wait for versions that were queued to be read again."""

# The order matters, because later checks compare with rows that earlier ones have repaired.
CHECKS = (
    Check("row security", integrity.find_unguarded, integrity.guard),
    Check("references", integrity.find_dangling, integrity.remove_dangling),
    Check("files", files.find_lost),
    Check("unused files", files.find_unused_rows, files.remove_unused_rows),
    Check("unknown files", files.find_unknown, files.remove_unknown),
    Check("active versions", versions.find_wrong_pointers, versions.correct_pointers),
    Check("history", versions.find_wrong_history, versions.correct_history),
    Check("stuck versions", versions.find_stuck, versions.queue_again),
    Check("jobs", versions.find_idle_jobs, versions.close_idle_jobs),
    Check("queue", versions.find_idle_entries, versions.drop_idle_entries),
    Check("texts", versions.find_wrong_texts, versions.read_again),
    Check("cancelled versions", passages.find_strays, passages.discard_strays),
    Check("access of passages", passages.find_misplaced, passages.put_in_place),
    Check("damaged passages", passages.find_broken, passages.replace_broken),
    Check("missing passages", passages.find_incomplete, versions.read_again),
    Check("terms", passages.find_miscounted, passages.recount),
    Check("term statistics", passages.find_wrong_statistics, passages.rebuild_statistics),
    Check("search indexes", passages.find_missing_indexes, passages.build_indexes),
    Check("usage", integrity.find_wrong_usage, integrity.recount_usage),
)


async def check(
    platform: Platform,
    tenant_id: uuid.UUID,
    *,
    repair: bool = False,
    deep: bool = False,
    grace: timedelta = GRACE,
    wait: float = WAIT_SECONDS,
    on_step: OnStep | None = None,
) -> Report:
    """Look for drift in a tenant while it is in use; with `repair`, repair what can be.

    Versions that have to be read again are queued, so a worker must be running. `repaired` counts
    the faults that a look after the repair does not find any more.

    Args:
        platform: The handles of this process.
        tenant_id: The tenant.
        repair: Whether to repair.
        deep: Whether to decrypt and hash every stored file.
        grace: Files and queue entries that nothing refers to are left alone while younger.
        wait: Seconds to wait for versions that are read again.
        on_step: Called with the name of each check that begins.

    Raises:
        MasterKeyError: The tenant's file names need another master key.
    """
    run = CheckRun(platform, Caller(tenant_id, OPERATOR), deep, grace)
    report, found = Report(), list[tuple[Check, CheckReport, Sequence[Fault]]]()
    for each in CHECKS:
        if on_step is not None:
            on_step(each.name)
        faults = await _look(run, each)
        told = CheckReport(each.name, len(faults), examples=_examples(faults))
        report.checks.append(told)
        if faults and repair and each.mend is not None:
            await each.mend(run, faults)
            found.append((each, told, faults))
    if found:
        if on_step is not None:
            on_step("mending")
        await _wait_for_jobs(run, wait)
        for each, told, faults in found:
            await _tell_what_is_left(run, each, told, faults)
    return report


async def _look(run: CheckRun, wanted: Check) -> list[Fault]:
    """Faults that a check finds twice, `second_look_seconds` apart."""
    first = await wanted.find(run)
    if not first:
        return []
    await asyncio.sleep(run.pace.second_look_seconds)
    again = {fault.key for fault in await wanted.find(run)}
    return [fault for fault in first if fault.key in again]


async def _tell_what_is_left(
    run: CheckRun, mended: Check, told: CheckReport, faults: Sequence[Fault]
) -> None:
    before = {fault.key for fault in faults}
    left = [fault for fault in await mended.find(run) if fault.key in before]
    told.repaired = told.problems - len(left)
    if left:
        told.examples = _examples(left)


async def _wait_for_jobs(run: CheckRun, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while run.job_ids and time.monotonic() < deadline:
        async with run.unit_of_work() as ctx:
            if not await repository.open_jobs(ctx.session, run.job_ids):
                return
        await asyncio.sleep(run.pace.poll_seconds)


def _examples(faults: Sequence[Fault]) -> list[str]:
    return [fault.what for fault in faults[:MOST_EXAMPLES]]
