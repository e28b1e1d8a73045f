"""What answers say in a terminal: a line a construct, the net promoter score, what is clear; at most 100 columns."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from sim.reporting.figures import units
from sim.reporting.run.terminal import WIDTH, aligned
from sim.reporting.survey.sentences import findings, nps_row, nps_text, setting, suffix, title_of
from sim.survey.analysis.asking import Analysis

NAME = 34


def terminal_table(analysis: Analysis, *, width: int = WIDTH) -> str:
    """Constructs with mean, interval, alpha and omega; NPS, findings, what was left out. Ends without a newline."""
    end = suffix(analysis)
    proof = analysis.tables["reliability"].set_index("construct")
    names = units.shortened([str(one) for one in analysis.tables["constructs"]["label"]], NAME)
    head = [("construct", "of", "n", "mean", "95 % interval", "alpha", "omega")]
    body = []
    for name, (_, row) in zip(names, analysis.tables["constructs"].iterrows(), strict=True):
        own: Any = proof.loc[row["construct"]]
        low, high = float(row[f"ci_low{end}"]), float(row[f"ci_high{end}"])
        ends = f"{units.number(low, 2)} to {units.number(high, 2)}" if np.isfinite(low) else units.MISSING
        scale = f"{row['scale_from']}-{row['scale_to']}"
        told = (units.number(float(own[one]), 2) for one in ("alpha", "omega"))
        body.append((name, scale, f"{row['n']:,}", units.number(float(row[f"mean{end}"]), 2), ends, *told))
    lines = [f"{title_of(analysis)}: {setting(analysis)}", ""]
    lines = [part for line in lines for part in textwrap.wrap(line.replace(units.GAP, " "), width) or [""]]
    lines += aligned(head, body) if body else []
    score = nps_row(analysis)
    if score is not None:
        shares = ", ".join(f"{units.percent(score[one], 0)} {one}" for one in ("promoters", "passives", "detractors"))
        lines += ["", f"net promoter score {nps_text(score)}: {shares}".replace(units.GAP, " ")]
    lines.append("")
    for text in (*findings(analysis), *analysis.notes):
        lines += textwrap.wrap(text.replace(units.GAP, " "), width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines)
