"""Loading onnxruntime sends nothing and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path


class TestTelemetry:
    def test_loading_a_session_leaves_nothing_in_the_users_folder(self, tmp_path: Path) -> None:
        environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "c")}
        environment.pop("ORT_DISABLE_TELEMETRY", None)  # as this process may have set it
        load = "import citewell.engine.onnx.sessions"
        subprocess.run([sys.executable, "-c", load], env=environment, check=True)
        assert list(tmp_path.iterdir()) == []
