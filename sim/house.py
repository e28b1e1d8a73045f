"""Where the program's sources stand, and its version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"
FOLDER: Final = Path(__file__).parent
