"""``mt2st report``: the report of a study or of a training run, rebuilt from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mt2st.cli.options import parse


@dataclass(frozen=True)
class ReportOptions:
    """Options of ``mt2st report``."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """What mt2st compare or mt2st train wrote: its --output."""
    figures: bool = True
    """Of a study, draw the figures for papers too, as PNG and SVG."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(
        ReportOptions,
        arguments,
        program="mt2st report",
        description="Write report.html into the folder of a study or a run, with its tables and figures.",
    )

    from mt2st.study.report import write_report

    print(write_report(options.folder, figures=options.figures))
    return 0
