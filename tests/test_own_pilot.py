"""Claims about an A/B test of the bank's own: its reading and checks, and the loop from belief to the next pilot."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_pilots import made_pilot
from scipy.stats import beta
from test_posterior import posterior

from sim.analysis.worth import Worth
from sim.calibration.asked import inference_of
from sim.calibration.file import read_calibration
from sim.calibration.inference import fit
from sim.calibration.pilot import Pilot, read_pilot, words_of
from sim.calibration.pilot_settings import PilotSettings
from sim.calibration.posterior import Posterior, read_posterior, write_posterior
from sim.errors import BadInput
from sim.experiments.calibrate.bank import Lives, bank_problem
from sim.experiments.calibrate.run import CalibrateOptions, calibrate
from sim.experiments.callbacks import Callback
from sim.experiments.executors.here import HERE
from sim.experiments.prepare import prepare
from sim.experiments.run import Options, run_all
from sim.reporting.run import build
from sim.reporting.run.beliefs import worth_of_run
from sim.store.run_reading import Run

ARMS = {"A": "nothing", "B": "treated"}
SCENARIO = ("nothing", "treated", "other")
TIERS = ("mass", "wealth")


def table(n: int = 400, months: int = 3, *, seed: int = 1, effect: float = 0.0) -> pd.DataFrame:
    """A test in long form: half of the customers in each arm, some of whom leave each month."""
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2 == 0, "A", "B")
    leaves = rng.geometric(np.where(arm == "A", 0.08, 0.08 - effect))
    rows = []
    for month in range(1, months + 1):
        active = (leaves > month).astype(int)
        rows.append(pd.DataFrame({"customer": np.arange(n), "arm": arm, "month": month, "active": active}))
    made = pd.concat(rows, ignore_index=True)
    return made.assign(contacts=rng.poisson(np.where(made["arm"] == "A", 0.2, 0.5)))


def how(**more: Any) -> PilotSettings:
    return PilotSettings.model_validate({"arms": ARMS, "outcome": "active", "months": 3, **more})


def told(made: pd.DataFrame, folder: Path, **more: Any) -> Pilot:
    made.to_csv(folder / "ab.csv", index=False)
    return read_pilot(folder / "ab.csv", how(**more), SCENARIO, TIERS)


def wrong(made: pd.DataFrame, folder: Path, **more: Any) -> str:
    with pytest.raises(BadInput) as found:
        told(made, folder, **more)
    return str(found.value)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_difference_of_shares_is_the_textbooks(tmp_path: Path) -> None:
    made = table()
    found = told(made, tmp_path)
    last = made[made["month"] == 3]
    p = last.groupby("arm")["active"].mean()
    (one,) = found.differences
    assert (one.arm, one.against, one.month, one.kpi) == ("treated", "nothing", 3, "retention")
    assert one.value == pytest.approx(p["B"] - p["A"])
    assert one.levels == pytest.approx((p["A"], p["B"]))
    textbook = sum(q * (1 - q) / 200 for q in p)
    assert found.covariance[0, 0] == pytest.approx(textbook * 200 / 199)
    assert found.customers == {"nothing": 200, "treated": 200}


def test_long_wide_and_horizon_forms_are_one_test(tmp_path: Path) -> None:
    made = table()
    wide = made.pivot(index=["customer", "arm"], columns="month", values="active").add_prefix("active_").reset_index()
    horizon = made[made["month"] == 3].drop(columns="month")
    gone = made[(made["active"] == 1) | (made.groupby("customer")["active"].shift(fill_value=1) == 1)]
    long = told(made, tmp_path)
    for other in (wide, horizon, gone):  # the last has no rows of who left before
        again = told(other, tmp_path)
        assert again.differences == long.differences
        np.testing.assert_allclose(again.covariance, long.covariance)


def test_rates_are_over_the_time_that_customers_were_there(tmp_path: Path) -> None:
    made = table()
    found = told(made, tmp_path, outcome=["contacts"])
    months = made.groupby("arm").size() / 12
    rate = made.groupby("arm")["contacts"].sum() / months
    assert found.differences[0].value == pytest.approx(rate["B"] - rate["A"])
    closed = made.assign(closed=1 - made["active"]).drop(columns="active")
    one = told(closed, tmp_path, outcome="closed").differences[0]
    first = closed[closed["closed"] == 1].groupby("customer")["month"].min()
    who = closed.drop_duplicates("customer").set_index("customer")["arm"]
    years = first.reindex(who.index).sub(0.5).fillna(3) / 12
    rates = first.groupby(who).size() / years.groupby(who).sum()
    assert one.levels == pytest.approx((rates["A"], rates["B"]))


def test_months_arms_and_clusters_know_how_they_go_together(tmp_path: Path) -> None:
    made = table(600)
    third = made["customer"] % 3
    made["arm"] = np.where(third == 0, "A", np.where(third == 1, "B", "C"))
    arms = {"arms": {**ARMS, "C": "other"}, "at": [1, 3]}
    found = told(made, tmp_path, **arms)
    assert [(one.arm, one.month) for one in found.differences] == [
        ("treated", 1),
        ("other", 1),
        ("treated", 3),
        ("other", 3),
    ]
    size = np.sqrt(np.diag(found.covariance))
    correlation = found.covariance / np.outer(size, size)
    assert correlation[0, 1] == pytest.approx(0.5, abs=0.1)  # one control
    assert 0.2 < correlation[0, 2] < 0.9  # one arm, two months


def test_errors_are_those_of_clusters_where_lots_fell_on_branches(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    branch = np.repeat(np.arange(40), 20)
    share = np.clip(0.8 + 0.1 * rng.standard_normal(40), 0.05, 0.95)
    rows = {
        "customer": np.arange(800),
        "arm": np.where(branch % 2 == 0, "A", "B"),
        "active": rng.random(800) < share[branch],
    }
    made = pd.DataFrame(rows).assign(cluster=branch)
    made["active"] = made["active"].astype(int)
    alone = told(made.drop(columns="cluster"), tmp_path)
    found = told(made, tmp_path)
    means = made.groupby("cluster")["active"].mean()
    sides = [means[means.index % 2 == side] for side in (0, 1)]
    textbook = sum(side.var(ddof=1) / 20 for side in sides)
    assert found.covariance[0, 0] == pytest.approx(textbook, rel=1e-9)
    assert found.covariance[0, 0] > 1.3 * alone.covariance[0, 0]
    few = told(made[made["cluster"] < 10], tmp_path)
    assert "5 clusters of nothing and 5 clusters of treated are few" in words_of(few)[-1]
    assert words_of(found)[0].endswith(", in 20 clusters of nothing and 20 clusters of treated")


def in_branches(n: int = 800, each: int = 20) -> pd.DataFrame:
    """A test whose lots fell on branches, half of them in each arm."""
    rng = np.random.default_rng(3)
    branch = np.arange(n) // each
    active = (rng.random(n) < 0.8 + 0.1 * (branch % 3 - 1)).astype(int)
    arm = np.where(branch % 2 == 0, "A", "B")
    return pd.DataFrame({"customer": np.arange(n), "arm": arm, "active": active, "cluster": "b" + branch.astype("U9")})


@pytest.mark.parametrize("blank", ["", " ", "NA"])
def test_a_customer_of_no_cluster_is_a_mistake_at_its_line(tmp_path: Path, blank: str) -> None:
    """All of them as one cluster of both arms, their influences would cancel and the error be too small."""
    made = in_branches()
    made.loc[[7, 30, 500], "cluster"] = blank
    assert "ab.csv:9:0  cluster: is empty; one in every row" in wrong(made, tmp_path)


def test_an_arm_of_one_cluster_has_no_error_and_is_refused(tmp_path: Path) -> None:
    made = in_branches(120, 20)
    one = made.assign(cluster=np.where(made["arm"] == "A", "b0", made["cluster"]))
    assert "arm A has 1 cluster, whose luck nothing tells apart from the arm; 2 or more" in wrong(one, tmp_path)
    tiers = made.assign(tier=np.where((made["arm"] == "B") & (made["cluster"] != "b1"), "wealth", "mass"))
    assert "treated or nothing has active of fewer than 2 clusters in month 3 in mass" in wrong(tiers, tmp_path)


def test_clusters_that_are_all_alike_tell_nothing(tmp_path: Path) -> None:
    """Seven of ten stay in every branch: rounding alone is left of the error, and it is none."""
    made = in_branches(800, 20)
    made["active"] = (made["customer"] % 10 < 7).astype(int)
    assert "active is the same in every cluster to month 3" in wrong(made, tmp_path)


def test_errors_of_few_clusters_are_free_of_bias(tmp_path: Path) -> None:
    """Over many tests of no effect the mean of the variances is that of the differences, with three clusters an arm."""
    rng = np.random.default_rng(8)
    gaps, variances = [], []
    for _ in range(60):
        made = in_branches(240, 40)
        made["active"] = (rng.random(240) < np.repeat(rng.uniform(0.5, 0.9, 6), 40)).astype(int)
        found = told(made, tmp_path)
        gaps.append(found.differences[0].value)
        variances.append(found.covariance[0, 0])
    assert np.mean(variances) == pytest.approx(np.mean(np.square(gaps)), rel=0.25)


@pytest.mark.parametrize("column", ["tier", "cluster"])
def test_what_a_customer_began_as_does_not_hang_on_the_order_of_rows(tmp_path: Path, column: str) -> None:
    made = table(600)
    later = made["month"] > 1
    if column == "tier":
        first, then = np.where(made["customer"] % 4 < 2, "mass", "wealth"), "wealth"
    else:
        first, then = "b" + (made["customer"] % 60).to_numpy().astype("U9"), "elsewhere"
    made[column] = np.where(later, then, first)
    if column == "cluster":
        assert told(made, tmp_path).clusters == {"nothing": 30, "treated": 30}
    forth, back = told(made, tmp_path), told(made[::-1], tmp_path)
    assert back.differences == forth.differences
    np.testing.assert_allclose(back.covariance, forth.covariance, rtol=1e-12)


def test_customers_of_no_tier_are_said_to_be_left_out(tmp_path: Path) -> None:
    made = table(1_000).assign(tier=lambda t: np.where(t["customer"] % 4 < 2, "mass", "wealth"))
    none = made.assign(tier=made["tier"].mask(made["customer"] % 10 == 0, ""))
    said = words_of(told(none, tmp_path))[-1]
    assert "began in no tier of the targets (mass and wealth), left out: 20.0% of nothing and 0.0% of treated" in said
    assert "more in one arm than chance gives" in said
    (alone,) = told(made, tmp_path, tier="wealth").doubts
    assert "began in no tier of the targets (wealth), left out: 50.0% of nothing and 50.0% of treated" in alone
    assert not told(made, tmp_path).doubts


def test_tiers_are_targets_of_their_own(tmp_path: Path) -> None:
    made = table().assign(tier=lambda t: np.where(t["customer"] % 4 < 2, "mass", "wealth"))
    found = told(made, tmp_path)
    assert [one.kpi for one in found.differences] == ["retention[mass]", "retention[wealth]"]
    assert abs(found.covariance[0, 1]) < 1e-12
    assert [one.kpi for one in told(table(), tmp_path, tier="wealth").differences] == ["retention[wealth]"]


def test_names_encodings_and_separators_of_the_files_own(tmp_path: Path) -> None:
    made = table()
    mine = made.rename(columns={"customer": "客户", "arm": "组", "active": "在"}).drop(columns="contacts")
    (tmp_path / "ab.csv").write_bytes(mine.to_csv(index=False, sep=";").encode("gb18030"))
    columns = {"customer": "客户", "arm": "组", "active": "在"}
    found = read_pilot(tmp_path / "ab.csv", how(columns=columns), SCENARIO)
    assert found.differences == told(made, tmp_path).differences


def test_a_test_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    made = table()
    assert "sample-ratio mismatch: 200 in A and 100 in B" in wrong(
        made[(made["arm"] == "A") | (made["customer"] < 200)], tmp_path
    )
    shares = {"shares": {"A": 2 / 3, "B": 1 / 3}}
    assert told(made[(made["arm"] == "A") | (made["customer"] < 200)], tmp_path, **shares).differences
    both = pd.concat([made, made[(made["customer"] == 0)].assign(arm="B", month=lambda t: t["month"] + 0)])
    assert "1 customer in two arms (0)" in wrong(both, tmp_path)
    assert "customer 0 has month 1 twice" in wrong(pd.concat([made, made.head(1)]), tmp_path)
    assert "arm 'C' is not in arms" in wrong(made.replace({"arm": {"B": "C"}}), tmp_path)
    assert "B is nowhere, which the scenario does not have" in wrong(
        made, tmp_path, arms={"A": "nothing", "B": "nowhere"}
    )
    assert "active is 2; 0 or 1" in wrong(made.replace({"active": {1: 2}}), tmp_path)
    assert "ends with month 2" in wrong(made[made["month"] < 3], tmp_path)
    assert "month 1.5 is none" in wrong(made.replace({"month": {1: 1.5}}), tmp_path)
    assert "no column active for the active" in wrong(made.drop(columns="active"), tmp_path)
    assert "is the same for everybody" in wrong(made.assign(active=1), tmp_path)
    assert "'x' is no number" in wrong(made.astype({"active": object}).replace({"active": {0: "x"}}), tmp_path)
    assert "tier gold is none of the scenario" in wrong(made.assign(tier="gold"), tmp_path)
    assert "has 5 customers; 20 or more" in wrong(made[(made["arm"] == "A") | (made["customer"] < 10)], tmp_path)


def test_customers_who_are_lost_from_sight_are_said_and_more_so_in_one_arm(tmp_path: Path) -> None:
    made = table(1_000)
    seen = made[(made["month"] < 3) | (made["customer"] % 10 != 0)]
    assert "lost before month 3" in words_of(told(seen, tmp_path))[-1]
    uneven = made[(made["month"] < 3) | (made["customer"] % 4 != 1)]
    assert "more in one arm than chance gives" in words_of(told(uneven, tmp_path))[-1]
    assert not told(made, tmp_path).doubts
    digital = made.assign(digital=np.where(made["active"] == 1, made["customer"] % 3 == 0, np.nan))
    last = digital[digital["month"] == 3].drop(columns="month")
    assert not told(digital, tmp_path, outcome=["active", "digital"]).doubts  # who left is not lost
    assert not told(last, tmp_path, outcome=["active", "digital"]).doubts


def test_errors_cover_over_made_tests(tmp_path: Path) -> None:
    truth = 0.95**3 - 0.92**3
    inside = 0
    for seed in range(60):
        found = told(table(400, seed=seed, effect=0.03), tmp_path)
        # a customer who leaves in month m is away from its end on, so three months survive to the end
        inside += abs(found.differences[0].value - truth) < 1.645 * np.sqrt(found.covariance[0, 0])
    low, high = beta.ppf([0.005, 0.995], [inside, inside + 1], [61 - inside, 60 - inside])
    assert low < 0.9 < high


# --- the loop ---------------------------------------------------------------------------------------------------------

QUALITY, ADOPTION = "digital_thinking.quality", "digital_thinking.adoption"
TRUTH = {QUALITY: 0.45, ADOPTION: 1.4}  # the defaults are 0.25 and 1.3
BANK = """
name: piloted
months: 11
burn_in: 6
seeds: [1, 2]
population: {customers: 2000}
model: {leaving: {satisfaction: -1.2}}
arms:
  nothing: []
  treated: [{use: digital_thinking, speed: 10, lag: 0.5, fidelity: 1.0, running: 0.001, capital: 0.0025}]
"""
ASKED = f"""
name: quality
scenario: bank.yaml
parameters: {{{QUALITY}: null, {ADOPTION}: null}}
targets: {{pilot: ab.csv, arms: {{A: nothing, B: treated}}, outcome: [active, digital], months: 11}}
points: POINTS
seeds: 8
agents: 2000
fits: 0
"""


def calibrated(folder: Path, *, seed: int, customers: int, points: int) -> Posterior:
    """The posterior of a pilot that the simulator made with the truth."""
    (folder / "bank.yaml").write_text(BANK, "utf-8")
    values = {f"arms.treated.{path}": value for path, value in TRUTH.items()}
    made_pilot(BANK, values, customers=customers, seed=seed, file=folder / "ab.csv")
    (folder / "quality.yaml").write_text(ASKED.replace("POINTS", str(points)), "utf-8")
    asked, source = read_calibration(folder / "quality.yaml")
    calibrate(asked, source, CalibrateOptions(folder / "out", overwrite=True), HERE, Callback())
    return read_posterior(folder / "out" / "posterior.yaml")


def judged(folder: Path, name: str, more: str, worlds: int) -> tuple[Run, Worth]:
    text = f"{BANK.replace('piloted', name)}{more.replace('WORLDS', str(worlds))}\n"
    (folder / f"{name}.yaml").write_text(text, "utf-8")
    (one,) = prepare(folder / f"{name}.yaml")
    run = run_all([one], Options(folder / name), whole=build)[0].run
    worth = worth_of_run(run)
    assert worth is not None
    return run, worth


def pays(run: Run) -> float:
    assert run.beliefs is not None
    return float(run.beliefs["share_pays"].iloc[1])


def best(worth: Worth) -> float:
    """What the best pilot of the quality would be worth; a number that decides nothing more has none."""
    mine = worth.sizes[worth.sizes["parameter"] == QUALITY] if len(worth.sizes) else worth.sizes
    return float(mine["evsi"].max()) if len(mine) else 0.0


BEFORE = f"beliefs: {{worlds: WORLDS, agents: 2000, seeds: 2, vary: [{QUALITY}, {ADOPTION}]}}"
AFTER = "posterior: out/posterior.yaml\nbeliefs: {worlds: WORLDS, agents: 2000, seeds: 2, vary: posterior}"


def test_the_files_of_the_page_are_taken(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "pilots.md").read_text("utf-8")
    blocks = dict(re.findall(r"^```\n# (\w+\.yaml)\n(.*?)^```", page, re.M | re.S))
    assert set(blocks) == {"quality.yaml", "after.yaml"}
    for name, text in {"bank.yaml": BANK, **blocks}.items():
        (tmp_path / name).write_text(text, "utf-8")
    made_pilot(BANK, {}, customers=1_000, seed=1, file=tmp_path / "ab.csv")
    problem = bank_problem(*read_calibration(tmp_path / "quality.yaml"))
    assert [one.path for one in problem.free] == [QUALITY, ADOPTION]
    assert [one.target.name for one in problem.read.readings] == [
        "retention of treated less nothing to month 11",
        "digital_active_share of treated less nothing to month 11",
    ]
    assert problem.read.covariance[0, 1] != 0
    (tmp_path / "out").mkdir()
    write_posterior(tmp_path / "out" / "posterior.yaml", posterior({QUALITY: (0.4, 0.02), ADOPTION: (1.4, 0.05)}))
    one = prepare(tmp_path / "after.yaml")[0]
    assert one.scenario.arm_list[1].strategies[0].model_dump()["quality"] == 0.4
    assert {QUALITY, ADOPTION, "managers.turnover"} <= {belief.name for belief in one.believed.beliefs}


def test_a_pilot_that_the_bank_cannot_be_is_refused_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(BANK, "utf-8")

    def said(targets: str) -> str:
        (tmp_path / "quality.yaml").write_text(
            f"name: q\nscenario: bank.yaml\nparameters: {{{QUALITY}: null}}\ntargets: {targets}\n", "utf-8"
        )
        with pytest.raises(BadInput) as found:
            bank_problem(*read_calibration(tmp_path / "quality.yaml"))
        return str(found.value)

    start = f"{tmp_path / 'quality.yaml'}:4:"
    text = said("{pilot: nowhere.csv, arms: {A: nothing, B: treated}, outcome: active, months: 11}")
    assert text.startswith(start)
    assert "targets.pilot: there is no such file" in text
    made_pilot(BANK, {}, customers=1_000, seed=1, file=tmp_path / "ab.csv")
    text = said("{pilot: ab.csv, arms: {A: nothing, B: treated}, outcome: active, months: 12}")
    assert text.startswith(start)
    assert "targets.months: 12 are more than the 11 of the scenario" in text
    text = said("{pilot: ab.csv, arms: {A: nothing, B: treated}, outcome: kept, months: 11}")
    assert text.startswith(start)
    assert "outcome" in text
    for more, key in (("months: 9", "months"), ("months: 11, at: [3, 11]", "at")):
        text = said(f"{{pilot: ab.csv, arms: {{A: nothing, B: treated}}, outcome: [digital, active], {more}}}")
        assert text.startswith(start)
        month = 9 if key == "months" else 3
        assert f"targets.{key}: active to month {month}: retention is known at the last month" in text
    assert "two of them are one arm" in said(
        "{pilot: ab.csv, arms: {A: nothing, B: nothing}, outcome: active, months: 9}"
    )


@pytest.mark.long
@pytest.mark.slow
def test_from_belief_to_pilot_to_posterior_to_verdict_to_the_next_pilot(tmp_path: Path) -> None:
    found = calibrated(tmp_path, seed=101, customers=40_000, points=14)
    draws = pd.DataFrame(found.draws, columns=list(found.parameters))
    for path, true in TRUTH.items():
        low, high = draws[path].quantile([0.025, 0.975])
        assert low <= true <= high
    assert found.parameters[QUALITY].mean > 0.3
    assert found.parameters[QUALITY].informed > 0.1
    before, worth = judged(tmp_path, "before", BEFORE, 20)
    after, less = judged(tmp_path, "after", AFTER, 20)
    assert pays(before) < 0.75 < 0.9 < pays(after)
    assert 0 <= best(less) < 0.5 * best(worth)
    page = (after.path / "report.html").read_text("utf-8")
    assert "2 from the posterior of quality" in page
    assert "what knowing and pilots are worth is counted on these worlds" in page


@pytest.mark.long
def test_posteriors_of_pilots_made_all_over_the_prior_cover_the_truth(tmp_path: Path) -> None:
    """Each pilot has its own truth and its own luck; the bank is lived for its emulator once."""
    pilots, trials = 20, []
    (tmp_path / "bank.yaml").write_text(BANK, "utf-8")
    (tmp_path / "quality.yaml").write_text(ASKED.replace("POINTS", "40"), "utf-8")
    made_pilot(BANK, {}, customers=24_000, seed=300, file=tmp_path / "ab.csv")
    asked, source = read_calibration(tmp_path / "quality.yaml")
    lives = Lives(bank_problem(asked, source), tmp_path / "lives", HERE, Callback())
    whole = lives.emulated(inference_of(asked))
    low, high = (np.array([getattr(one, end) for one in whole.free]) for end in ("low", "high"))
    for number in range(pilots):
        truth = low + np.random.default_rng(number).random(len(low)) * (high - low)
        values = {f"arms.treated.{one.path}": value for one, value in zip(whole.free, truth.tolist(), strict=True)}
        made_pilot(BANK, values, customers=24_000, seed=301 + number, file=tmp_path / "ab.csv")
        seen = bank_problem(asked, source).read
        noise = seen.covariance + whole.noise - whole.own
        observed = np.array([one.target.value for one in seen.readings])
        found = fit(replace(whole, own=noise, luck=None), inference_of(asked), observed, trial=number)
        ends = np.quantile(found.draws, [0.05, 0.95], axis=0)
        trials.append((ends[0] <= truth) & (truth <= ends[1]))
    for inside in np.sum(trials, axis=0).tolist():
        print(f"{inside} of {pilots} in their 90 % intervals")
        least, most = beta.ppf([0.005, 0.995], [inside, inside + 1], [pilots + 1 - inside, pilots - inside])
        assert least < 0.9 < (most if inside < pilots else 1.0)
