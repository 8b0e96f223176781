"""What onnxruntime raises. Its exceptions share no base but `Exception`, and carry no types."""

from typing import Any, Final, cast

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

_STATE: Final[Any] = cast(Any, onnxruntime).capi.onnxruntime_pybind11_state

ONNX_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    found
    for found in vars(_STATE).values()
    if isinstance(found, type) and issubclass(found, Exception)
)
"""Every one of them, for `except`: a broken file, an unfit input, a run out of memory."""
