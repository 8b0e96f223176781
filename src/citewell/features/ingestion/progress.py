"""Progress of an attempt, written to its job while it runs."""

import asyncio
import uuid

import structlog
from sqlalchemy.exc import SQLAlchemyError

from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import is_outage
from citewell.core.platform import Platform
from citewell.features.ingestion.errors import AbandonedError
from citewell.features.ingestion.pace import IngestPace
from citewell.features.jobs import service as jobs
from citewell.models.work import JobProgress, JobStage

log = structlog.get_logger(__name__)


class StageCounter:
    """Counts the work done by the stages."""

    def __init__(self) -> None:
        self._is_over = asyncio.Event()
        self.page_count: int | None = None
        self.page = 0
        """The furthest page that was read."""
        self.cut = 0
        """Chunks there are so far."""
        self.embedded = 0
        """Chunks that have their vector."""
        self.is_parsed = False

    def now(self) -> JobProgress:
        """Pages while the document is read, if it has any; chunks otherwise."""
        has_pages = self.page > 0 or self.page_count is not None
        if self.is_parsed or (self.embedded and not has_pages):
            return JobProgress(
                JobStage.EMBEDDING, self.embedded, self.cut if self.is_parsed else None
            )
        return JobProgress(JobStage.PARSING, self.page, self.page_count)

    async def keep(self) -> None:
        """Run until `end` is called."""
        await self._is_over.wait()

    def end(self) -> None:
        """Mark the work as complete."""
        self._is_over.set()


class ProgressNotes(StageCounter):
    """Writes the progress of the stages into the job, every `note_seconds`."""

    def __init__(self, platform: Platform, caller: Caller, job_id: uuid.UUID, attempt: int) -> None:
        super().__init__()
        self._platform = platform
        self._caller = caller
        self._job_id = job_id
        self._attempt = attempt

    async def keep(self) -> None:
        """Write notes until `end` is called.

        Raises:
            AbandonedError: The job was cancelled, or given to another worker.
        """
        while not await self._ends_soon():
            try:
                async with unit_of_work(self._platform, self._caller) as ctx:
                    is_ours = await jobs.note_progress(ctx, self._job_id, self._attempt, self.now())
            except SQLAlchemyError as error:
                if not is_outage(error):
                    raise
                log.warning("progress_not_noted", reason=type(error).__name__)
                # Progress is not worth an attempt; storing a batch fails by itself if it lasts.
                continue
            if not is_ours:
                raise AbandonedError

    async def _ends_soon(self) -> bool:
        try:
            async with asyncio.timeout(self._platform.state_of(IngestPace).note_seconds):
                await self._is_over.wait()
        except TimeoutError:
            return False
        return True
