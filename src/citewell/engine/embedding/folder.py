"""The folder of the model that ships with the package, also for those who only read its files."""

from pathlib import Path
from typing import Final

MODEL: Final = "all-MiniLM-L6-v2"
MODEL_FOLDER: Final = Path(__file__).parent / "models" / MODEL
