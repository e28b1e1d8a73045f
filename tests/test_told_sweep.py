"""Every sentence, title, mark and bold number of a sweep, read against its tables by somebody else's rules.

The reader knows nothing of the words' own code: it takes page, terminal and titles of figures, and asks the CSV tables
of the analysis, and the stored tasks, whether they may be said.
"""

from __future__ import annotations

import html
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fabricate_sweep import Made, bank_like, fabricate, grid, parameter
from test_analysis import XS, ishigami, sampled

from sim.cli import main
from sim.reporting.sweep import analyse, findings_of, terminal_table
from sim.store.sweep_reading import read_sweep

Q = "\N{LEFT DOUBLE QUOTATION MARK}([^\N{RIGHT DOUBLE QUOTATION MARK}]+)\N{RIGHT DOUBLE QUOTATION MARK}"
A, B = "model.a", "model.b"


def plain(text: str) -> str:
    text = html.unescape(re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", text, flags=re.S))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def share(text: str) -> tuple[float, float]:
    """The range that a share in words stands for."""
    if re.match(r"none|no |nowhere", text):
        return 0.0, 0.0
    if text.startswith("all"):
        return 1.0, 1.0
    if text.startswith("under"):
        return 0.0, 0.01
    if text.startswith("over"):
        return 0.99, 1.0
    value = float(text.split(" ")[0]) / 100
    return value - 0.00501, value + 0.00501


class Reader:
    """What the tables of a sweep allow to be said."""

    def __init__(self, made: Made, threshold: float = 0.0):
        self.made, self.threshold = made, threshold
        folder = Path(made.path)
        self.page = (folder / "report.html").read_text()
        self.table = {file.stem: pd.read_csv(file) for file in (folder / "analysis").glob("*.csv")}
        self.said = plain(self.page)
        self.titles = [
            html.unescape(one).replace("\N{NO-BREAK SPACE}", " ")
            for one in re.findall(r'<svg[^>]*aria-label="([^"]+)"', self.page)
        ]
        self.headings = [plain(one) for one in re.findall(r"<h2[^>]*>(.*?)</h2>", self.page)]
        self.terminal = " ".join(terminal_table(findings_of(made, threshold=threshold)).split())
        self.kpi = next(kpi for kpi in ("npv", *made.kpis) if kpi in made.kpis)
        self.less = -1.0 if self.kpi == "attrition_annual" else 1.0
        self.reference = made.arms[0]
        self.paying = {arm: self._pays(arm) for arm in made.arms[1:]}

    def _pays(self, arm: str) -> float:
        ok = self.made.tasks[self.made.tasks["status"] == "ok"]
        wide = ok.pivot_table(index=["point", "seed"], columns="arm", values=self.kpi)
        if arm not in wide:
            return math.nan
        gap = (wide[arm] - wide[self.reference]).dropna().groupby("point").mean() * self.less
        return float((gap > self.threshold * self.less).mean()) if len(gap) else math.nan

    def arm(self, spoken: str) -> str:
        return next(arm for arm in self.made.arms if arm.replace("_", " ") == spoken)

    # --- one rule a kind of sentence -------------------------------------------------------------------------------

    def read(self) -> None:
        assert not re.search(r"\bnan\b|\binf\b|None", self.said)
        assert not re.search(r"\bnan\b|\binf\b|None", self.terminal)
        self.paying_words()
        self.drivers()
        self.indices()
        self.robust()
        self.fates()
        self.together()

    def paying_words(self) -> None:
        known = {arm: how for arm, how in self.paying.items() if not math.isnan(how)}
        texts = [self.said, *self.titles]
        for text in texts:
            verb, how = "(?:pays|does better|beats the threshold of [^:]*?)", r"(none|all|(?:over |under )?\d+ %)"
            for name, told in re.findall(rf"{Q} {verb} (?:at|in) {how}(?! of the box)", text):
                low, high = share(told)
                assert low - 1e-9 <= self.paying[self.arm(name)] <= high + 1e-9, (name, told)
            if "No arm pays" in text or "No arm does better" in text:
                assert max(known.values()) == 0
            for name in re.findall(rf"{Q} (?:pays nowhere|does better than .* at no point)", text):
                assert self.paying[self.arm(name)] == 0
        for title in self.titles:
            if "more than any other arm" in title:
                name = re.match(Q, title)
                assert name is not None
                best = self.paying[self.arm(name[1])]
                assert best > 0
                assert sum(how == best for how in known.values()) == 1
            if found := re.search(r", as (\d+) others? do", title):
                assert sum(how == max(known.values()) for how in known.values()) == int(found[1]) + 1
        if "Pays most often" in self.said:
            assert sum(how == max(known.values()) for how in known.values()) == 1

    def drivers(self) -> None:
        table = self.table.get("drivers")
        if table is None:
            return
        sections = re.findall(r"<caption>([^<]*?means by parameter.*?)</caption>(.*?)</table>", self.page, flags=re.S)
        keys = sorted(dict.fromkeys(zip(table["arm"], table["kpi"], strict=True)), key=lambda one: one[1] != self.kpi)
        assert len(sections) == len(keys)
        row = r'<tr><th scope="row" title="([^"]*)">((?:(?!</tr>).)*)</tr>'
        for (caption, body), (arm, kpi) in zip(sections, keys, strict=True):
            assert f", {arm.replace('_', ' ')} less " in html.unescape(caption) or len(self.made.arms) == 1
            own = table[(table["arm"] == arm) & (table["kpi"] == kpi)].set_index("parameter")
            for path, cells in re.findall(row, body, flags=re.S):
                p = own.loc[html.unescape(path), "p_adjusted"]
                if not math.isnan(p):
                    assert ('class="clear"' in cells) == (p < 0.05), (arm, kpi, path)
        p = table.set_index(["arm", "kpi", "parameter"])["p_adjusted"]
        names = {path.rpartition(".")[2].replace("_", " "): path for path in table["parameter"].unique()}
        for title in self.titles:
            for arm, name in re.findall(rf"^{Q} differs most over ([^.]+)\.", title):
                path = next(path for leaf, path in names.items() if name.endswith(leaf))
                own = table[(table["arm"] == self.arm(arm)) & (table["kpi"] == self.kpi) & (table["p_adjusted"] < 0.05)]
                assert p[self.arm(arm), self.kpi, path] < 0.05
                assert own.set_index("parameter")["range"].idxmax() == path

    def indices(self) -> None:
        table = self.table.get("indices")
        if table is None:
            assert "±" not in self.terminal
            return
        table = table.assign(note=table["note"].astype(object).where(table["note"].notna(), ""))
        shares = table[table["index"].isin(["S1", "ST", "S2"])]
        outside = (shares["value"] < -0.005) | (shares["value"] > 1.005)
        wide = ~(2 * shares["conf"] < np.maximum(shares["value"].abs(), 0.05))
        varied = shares.groupby(["arm", "kpi", "index"])["value"].transform(lambda own: own.any()).astype(bool)
        few = shares["note"] == "too few samples"
        assert (few == ((outside | wide) & varied))[shares["index"] != "S2"].all()
        assert table["conf"].notna().all()  # beside every index
        captions = "<caption>(?:Sobol|Morris|First-order)[^<]*</caption>"
        body = " ".join(re.findall(rf"{captions}(.*?)</table>", self.page, flags=re.S))
        cells = re.findall(r"<td[^>]*>(.*?)</td>", body)
        lone = table[table["index"] != "S2"]
        assert len(cells) == len(lone)
        assert all("±" in cell for cell in cells)
        assert sum("too few samples" in cell for cell in cells) == (lone["note"] != "").sum()
        fine = shares[~few & (shares["method"] == "sobol")]
        if not len(fine):  # then shares are those of means by level
            alone = self.table["drivers"].assign(index="S1")
            fine = alone.rename(columns={"share_of_variance": "value"})[["index", "value"]]
        for index, pattern in (
            ("S1", " of the variance by itself"),
            ("ST", "(?: of the variance)? with all it interacts with"),
        ):
            for told in re.findall(rf"(\d+) %(?: ± [\d<]+)?{pattern}", self.said):
                values = fine.loc[fine["index"] == index, "value"]
                assert (abs(values - int(told) / 100) <= 0.00501).any(), (index, told)
        for text in (self.said, self.terminal):
            for told in re.findall(r"(\d{3,}) %", text):
                assert int(told) == 100 or f"{told} % ±" in text  # a share beyond all is told with its interval only
        for value, half, rest in re.findall(r"(?<!under)\s(\d+) % ±([\d<]+)( \(too few samples\))?", self.terminal):
            own = shares[(shares["index"] == "ST") & (abs(shares["value"] - int(value) / 100) <= 0.00501)]
            assert len(own)
            assert bool(rest) in set(few[own.index])
            assert half.startswith("<") or (abs(own["conf"] - int(half) / 100) <= 0.00501).any()
        if "Too few samples to say what decides it" in self.said:
            totals = table[table["index"].isin(["ST", "mu_star"]) & (table["kpi"] == self.kpi)]
            assert (totals["note"] != "").any()

    def robust(self) -> None:
        table = self.table.get("regret")
        if table is None:
            return
        own = table[table["kpi"] == self.kpi]
        size = max(abs(own["mean"]).max(), abs(own["worst"]).max())
        ties = int((own["max_regret"] <= own["max_regret"].min() + 1e-9 * size).sum())
        chosen = own[own["minimax_regret"]].iloc[0]
        section = re.search(r'<section id="robust".*?(?=<details>|</section>)', self.page, flags=re.S)
        for text in (plain(section[0]) if section else "", self.terminal, *self.titles):
            if re.search("all options (alike|come to the same|lose the same)|All \\d+ options", text, re.IGNORECASE):
                assert ties == len(own)
            for told in re.findall(r"and (\d+) more as good|and so (?:are|is) (\d+) others?", text):
                assert int(told[0] or told[1]) == ties - 1
            if "less than any other" in text:
                assert ties == 1
            for told in re.findall(rf"^{Q} loses least in the worst case", text):
                assert told.split(" with ")[0] == chosen["arm"].replace("_", " ")
                assert ties == 1
        found = re.search(r"robust choice: (.+?); in its worst world", self.terminal)
        if found and ties == 1:
            assert found[1].split(" with ")[0] == chosen["arm"].replace("_", " ")
            assert ":" not in found[1]  # an option reads as words

    def fates(self) -> None:
        points = self.table["points"]
        for name in re.findall(rf"{Q} fails nowhere", self.said):
            assert self.paying[self.arm(name)] == 1
        for name in re.findall(rf"{Q} (?:fails everywhere|pays nowhere in these ranges)", self.said):
            assert self.paying[self.arm(name)] == 0
        for name, told in re.findall(rf"{Q} fails at (\d+) of (?:[\d,]+) points", self.said):
            arm = self.arm(name)
            known = points[f"{arm}.{self.kpi}.seeds"] > 0
            assert int(told) == round((1 - self.paying[arm]) * known.sum())
        for name in re.findall(rf'<li class="(?:good|bad)"><p>{Q}', self.page):
            arm = self.arm(html.unescape(name))
            assert self.paying[arm] >= 0.75 or self.paying[arm] <= 0.25

    def together(self) -> None:
        table = self.table.get("interactions")
        for heading in self.headings:
            if heading.startswith("What matters together"):
                assert table is not None
                pairs = table[(table["kpi"] == self.kpi) & table["with"].notna()]
                assert pairs["share_of_variance"].max() >= 0.05
                first = pairs.sort_values("share_of_variance").iloc[-1]
                assert first["method"] == "anova" or pairs["r2_left_out"].max() > 0.5


# --- made to trip them ----------------------------------------------------------------------------------------------


def arms_of(values: dict[str, object], **more: object) -> Made:
    """Arms over a grid of two parameters whose differences are formulas of them."""
    told = {"nothing": lambda v: 0 * v[A], **values}
    levels = (0.0, 1.0, 2.0, 3.0)
    parameters = [parameter(path, values=levels) for path in (A, B)]
    outcomes = {"npv": told, "attrition_annual": told}
    return fabricate(Path("nowhere"), parameters, grid(dict.fromkeys((A, B), levels)), outcomes, **more)


def over_three(design: str, samples: int, formula: Any = ishigami, **more: Any) -> Made:
    """One arm over three parameters, by a design of so many samples."""
    return sampled(design, {"npv": {"nothing": lambda v: 0 * v[XS[0]], "x": formula}}, samples=samples, **more)


CASES = {
    "as banks are": lambda: bank_like(Path("nowhere")),
    "two arms alike": lambda: arms_of({"x": lambda v: v[A] - 1.5, "y": lambda v: v[A] - 1.5}),
    "all pay everywhere": lambda: arms_of({"x": lambda v: 5 + v[A], "y": lambda v: 5 + v[B]}),
    "all lose everywhere": lambda: arms_of({"x": lambda v: -5 - v[A], "y": lambda v: -5 - v[B]}),
    "one arm that loses everywhere": lambda: arms_of({"x": lambda v: -5 - v[A]}),
    "nobody changes anything": lambda: arms_of({"x": lambda v: 0 * v[A], "y": lambda v: 0 * v[A]}),
    "one often and little, one seldom and much": lambda: arms_of(
        {"x": lambda v: 0.5 + 0 * v[A], "y": lambda v: np.where(v[A] == 3, 90.0, -1.0)}
    ),
    "the widest range is not the clear one": lambda: arms_of(
        {"x": lambda v: 0.5 * v[A] + 30 * ((v[A] == 1) & (v[B] == 2)) - 25 * ((v[A] == 3) & (v[B] == 0))}
    ),
    "only luck": lambda: arms_of(
        {"x": lambda v: 1e-9 + 0 * v[A], "y": lambda v: -1e-9 + 0 * v[A]}, own=5.0, seeds=(1, 2)
    ),
    "holes": lambda: arms_of(
        {"x": lambda v: v[A] - v[B], "y": lambda v: v[B] - 1},
        seeds=(1, 2),
        failed=[(0, "x", 1), (0, "x", 2), (3, "y", 1)],
        missing=[7],
    ),
    "one point": lambda: fabricate(
        Path("nowhere"),
        [parameter(A, 0, 1)],
        pd.DataFrame({A: [1.0]}),
        {"npv": {"nothing": lambda v: 0 * v[A], "x": lambda v: v[A]}},
    ),
    "sobol, 8 samples": lambda: over_three("saltelli", 8),
    "sobol, 16 samples": lambda: over_three("saltelli", 16),
    "sobol, 64 samples": lambda: over_three("saltelli", 64),
    "sobol, 512 samples": lambda: over_three("saltelli", 512),
    "sobol of what never varies": lambda: over_three("saltelli", 8, lambda v: 1 + 0 * v[XS[0]]),
    "morris, 4 trajectories": lambda: over_three("morris", 4),
    "scattered": lambda: over_three("random", 70, seeds=(1, 2), own=0.1),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_what_is_said_is_what_the_tables_say(case: str, tmp_path: Path) -> None:
    made = CASES[case]()
    made.path = tmp_path
    analyse(made)
    Reader(made).read()


@pytest.mark.parametrize("threshold", [-1.0, 2.0, 1000.0])
def test_a_threshold_is_told_as_one(threshold: float, tmp_path: Path) -> None:
    made = arms_of({"x": lambda v: v[A] - 1.5, "y": lambda v: v[B] - 0.5})
    made.path = tmp_path
    analyse(made, threshold=threshold)
    reader = Reader(made, threshold)
    reader.read()
    assert "beats the threshold of" in reader.said


def test_shares_beyond_all_are_told_with_interval_and_as_too_few(tmp_path: Path) -> None:
    made = CASES["sobol, 8 samples"]()
    made.path = tmp_path
    analyse(made)
    reader = Reader(made)
    assert "(too few samples)" in reader.terminal
    assert "Too few samples to say what drives it" in " ".join(reader.headings)
    assert "Too few samples to say what decides it." in reader.said
    assert re.search(r"Too few samples to say what matters most", " ".join(reader.titles))


@pytest.mark.long
def test_ties_and_nothing_are_told_in_words(tmp_path: Path) -> None:
    wanted = {
        "two arms alike": "All 2 arms pay at 50 % of the points",
        "all pay everywhere": "All 2 arms pay at all points",
        "all lose everywhere": "No arm pays at any point",
        "nobody changes anything": "The robust choice: all options alike",
    }
    for place, (case, heading) in enumerate(wanted.items()):
        made = CASES[case]()
        made.path = tmp_path / str(place)
        analyse(made)
        assert heading in Reader(made).headings


# --- the user's way -------------------------------------------------------------------------------------------------

SWEEP = """
name: little_sweep
months: 6
burn_in: 0
seeds: [1, 2]
population: {customers: 800}
arms:
  nothing: []
  tools: [{use: digital_thinking}]
  calls: [{use: stratification}]
sweep:
  design: %s
  samples: %d
  vary:
    managers.hours_per_month: {low: 35, high: 60}
    model.hazards.mass.dormant: {low: 0.003, high: 0.03}
"""


@pytest.mark.long
@pytest.mark.parametrize(("design", "samples"), [("grid", 3), ("saltelli", 4)])
def test_a_real_little_sweep_says_what_its_tables_say(design, samples, tmp_path, capsys) -> None:
    file, out = tmp_path / "sweep.yaml", tmp_path / "run"
    file.write_text(SWEEP % (design, samples))
    assert main(["run", str(file), "--out", str(out), "--workers", "1", "--quiet"]) == 0
    told = read_sweep(out)
    Reader(told).read()  # type: ignore[arg-type]
    said = " ".join(capsys.readouterr().out.split())
    assert "robust choice: " in said
    if design == "saltelli":
        assert "too few samples" in said
