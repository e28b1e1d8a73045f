"""Execute the tutorials and keep what they show, pictures small: `python docs/tutorials/execute.py`."""

from __future__ import annotations

import base64
import io
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
WIDTH, COLOURS = 760, 48


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook after all its cells, run in `folder`; raises `CellExecutionError` where one fails."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def small(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same with small pictures, and without what differs from one execution to the next."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
        for data in (one.data for one in cell.outputs if "data" in one):
            if "image/png" in data:
                data["image/png"] = _shrunk(data["image/png"])
    return notebook


def _shrunk(picture: str) -> str:
    with Image.open(io.BytesIO(base64.b64decode(picture))) as drawn:
        size = (WIDTH, round(drawn.height * WIDTH / drawn.width))
        made = drawn.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    buffer = io.BytesIO()
    made.save(buffer, format="png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(small(executed(path, Path(folder))), path)
