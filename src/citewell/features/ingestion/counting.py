"""Figures of ingestion for operators."""

from citewell.core.metrics import OTHER, ProcessMetrics
from citewell.core.platform import Platform
from citewell.engine.parsing.formats import FAMILIES, FORMATS, DocumentFormat, format_of_name
from citewell.features.ingestion.pipeline import PipelineResult
from citewell.features.ingestion.repository import Assignment

_BY_MIME_TYPE = {facts.mime_type: name for name, facts in FORMATS.items()}


def note_ready(platform: Platform, work: Assignment, outcome: PipelineResult) -> None:
    """Count a version that answers, its passages and the time of its stages."""
    metrics = platform.state_of(ProcessMetrics)
    if not metrics.is_recording:
        return
    found = _BY_MIME_TYPE.get(outcome.info.mime_type) if outcome.info is not None else None
    found = found or format_of_name(work.filename)
    name = _label(found)
    metrics.count("ingested_versions_total", name, "ready")
    metrics.count("ingested_passages_total", name, by=outcome.chunk_count)
    for stage, seconds in outcome.seconds.items():
        metrics.observe("ingest_stage_seconds", seconds, stage, FAMILIES.get(found, OTHER))


def note_failed(platform: Platform, filename: str) -> None:
    """Count a version that failed, by the format that its name promises."""
    metrics = platform.state_of(ProcessMetrics)
    metrics.count("ingested_versions_total", _label(format_of_name(filename)), "failed")


def _label(found: DocumentFormat | None) -> str:
    return OTHER if found is None else found.value
