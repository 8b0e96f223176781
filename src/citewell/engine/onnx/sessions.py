"""Sessions of onnxruntime, which carries no types."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

_ORT: Final[Any] = onnxruntime

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class GraphPlace(Protocol):
    """An input or output of a graph."""

    name: str
    shape: list[int | str | None]
    """A name or None stands for a length that varies."""


class LoadedGraph(Protocol):
    """A loaded graph; `run` may be called by several threads at once."""

    def run(
        self, output_names: Sequence[str] | None, inputs: dict[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...

    def get_inputs(self) -> list[GraphPlace]: ...

    def get_outputs(self) -> list[GraphPlace]: ...


def load_session(path: Path, *, disabled_optimizers: Sequence[str] = ()) -> LoadedGraph:
    """Load a graph that runs each call on the caller's thread alone.

    Several calls at once use the cores better than one call spread over them: between operations
    its threads would wait for each other, spinning (figures in `embedding/bundled.py`).

    Raises:
        The errors of `onnx.errors`: The file is no graph that onnxruntime can run.
    """
    options = _ORT.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Patterns are kept per input shape: with every length its own they cost 10 MB and save nothing.
    options.enable_mem_pattern = False
    session = _ORT.InferenceSession(
        path,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=list(disabled_optimizers),
    )
    return cast(LoadedGraph, session)


def available_cores() -> int:
    """Get how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def encodable(text: str) -> str:
    """Replace lone surrogates: a tokenizer takes no text that has no UTF-8 form."""
    return _SURROGATES.sub("\ufffd", text)
