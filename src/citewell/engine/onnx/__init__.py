"""Models that run in this process on onnxruntime: their files, tokenizers and sessions."""

import os

# Before onnxruntime is loaded: from 1.31 on its wheels for Linux keep a device id in the user's
# folder and send figures to their vendor. Nothing of an installation leaves it unasked.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251 - no setting is read
