"""Exceptions of onnxruntime, which share no base but `Exception` and carry no types."""

from types import ModuleType
from typing import Any, Final, cast

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

_STATE = cast(ModuleType, cast(Any, onnxruntime).capi.onnxruntime_pybind11_state)

ONNX_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    found
    for found in cast(dict[str, object], vars(_STATE)).values()
    if isinstance(found, type) and issubclass(found, Exception)
)
"""Every one of them, for `except`: a broken file, an unfit input, a run out of memory."""

TOKENIZER_ERRORS: Final[tuple[type[Exception], ...]] = (Exception,)
"""Raised by `tokenizers` for a broken file: `Exception` itself, as it has no class of its own."""
