"""Claims about verdicts under beliefs: what is a belief, which worlds are drawn, and that they are lived honestly."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, spearmanr

import sim
from sim.analysis.beliefs import Worlds, table_of, wilson, worlds_of
from sim.assumptions import Doubts, Settings, assumption
from sim.cli import main
from sim.errors import BadInput, Interrupted
from sim.experiments.callbacks import Callback
from sim.experiments.design.beliefs import beliefs_of, check_beliefs, span
from sim.experiments.design.moves import applied
from sim.experiments.design.variants import Base
from sim.experiments.design.worlds import draw, plan_worlds, together
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared
from sim.experiments.run import Options, run_all
from sim.experiments.verify import verify
from sim.measures.kpis import run_kpis_of
from sim.reporting.run import build
from sim.reporting.run.beliefs import luck_of, turning
from sim.scenario.scenario import Scenario
from sim.store.run_reading import Run, read
from sim.store.worlds import write_worlds
from sim.yaml_source import loads, validate

BANK = """
name: doubtful
months: 6
burn_in: 2
seeds: [3, 4]
population: {customers: 600}
arms:
  nothing: []
  training: [{use: staff_upskilling}]
  both: [{use: staff_upskilling}, {use: digital_thinking}]
"""
SETTINGS = ("managers", "channels", "economics", "environment", "model", "implementation")


def ready(beliefs: str, bank: str = BANK) -> Prepared:
    return prepare_source(loads(f"{bank}beliefs: {beliefs}\n", file="doubtful.yaml"))


def lived(home: Path, beliefs: str, bank: str = BANK, **more: Any) -> Run:
    return run_all([ready(beliefs, bank)], Options(home, **more))[0].run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Four worlds in which all that matters differs."""
    return lived(tmp_path_factory.mktemp("beliefs") / "run", "{worlds: 4, agents: 600}")


def levels(run: Run, kpi: str = "npv") -> pd.DataFrame:
    assert run.worlds is not None
    return run.worlds.pivot_table(index="world", columns="arm", values=kpi, observed=True)


# --- what is a belief -------------------------------------------------------------------------------------------------


def names(bank: str = BANK, *, role: str = "uncertainty") -> dict[str, Any]:
    s = validate(Scenario, loads(bank))
    return {one.name: one for one in beliefs_of(s, Base(s)) if one.parameter.role == role}


def test_what_a_bank_decides_a_convention_and_an_idle_number_are_no_beliefs() -> None:
    found = names()
    assert "managers.turnover" in found
    for name in ("managers.span", "managers.salary", "channels.capacity", "staff_upskilling.away", "discount_rate"):
        assert name not in found
    for name in ("model.products.most", "model.transitions.period_months", "implementation.capital_months"):
        assert name not in found
    assert "model.leaving.word_of_mouth" not in found  # that mechanism is off
    assert "model.leaving.word_of_mouth" in names(f"{BANK}model: {{mechanisms: {{word_of_mouth: true}}}}\n")
    assert "managers.turnover" not in names(f"{BANK}model: {{mechanisms: {{manager_turnover: false}}}}\n")
    assert "stratification.handoff" not in found  # nobody uses it
    assert "managers.span" in names(role="lever")


def test_a_number_of_a_strategy_is_one_belief_in_all_arms_that_use_it() -> None:
    belief = names()["staff_upskilling.transfer"]
    assert set(belief.targets) == {"arms.training.staff_upskilling.transfer", "arms.both.staff_upskilling.transfer"}
    assert set(belief.values(0.7).values()) == {0.7}


def test_a_number_that_arms_set_apart_or_that_was_set_outside_its_range_is_nobodys_belief() -> None:
    apart = BANK.replace("training: [{use: staff_upskilling}]", "training: [{use: staff_upskilling, transfer: 0.4}]")
    assert "staff_upskilling.transfer" not in names(apart)
    assert "managers.turnover" not in names(f"{BANK}managers: {{turnover: 0}}\n")


def test_a_cost_that_a_strategy_does_not_state_is_not_believed_in() -> None:
    found = names(BANK.replace("staff_upskilling", "fintech").replace("digital_thinking", "institutional"))
    assert "fintech.capital" in found
    assert "institutional.running" in found
    assert "institutional.capital" not in found


@pytest.mark.parametrize("name", ["economics.margin", "channels.price", "model.hazards.close", "model.wallet.mean"])
def test_a_table_keeps_its_order_and_stays_plausible(name: str) -> None:
    belief = names()[name]
    low, high = belief.parameter.ends
    assert low < 1 < high or name == "managers.owned_loyalty"
    own = np.array(list(belief.targets.values()))
    for drawn in (low, 1.1, high):
        moved = np.array(list(belief.values(drawn).values()))
        np.testing.assert_allclose(moved, own * drawn, rtol=1e-9)
        assert (np.argsort(moved, kind="stable") == np.argsort(own, kind="stable")).all()


def test_hazard_ratios_move_by_a_power_so_that_one_stays_one() -> None:
    belief = names()["model.retention.hazard_ratio"]
    moved = belief.values(belief.parameter.ends[1])
    assert moved["model.retention.hazard_ratio.sure_thing"] == 1.0
    assert 0.45 <= moved["model.retention.hazard_ratio.persuadable"] < 0.55
    assert 1.9 < moved["model.retention.hazard_ratio.sleeping_dog"] <= 2.2 + 1e-9


def test_the_factor_of_a_table_goes_to_its_nearest_bound_and_no_further_down_than_up() -> None:
    assert span([1.0, 2.0], 0.0, 4.0) == (0.5, 2.0)
    assert span([1.0, 2.0], 0.9, 4.0) == (0.9, 2.0)
    assert span([0.0, -2.0], -3.0, 3.0) == (pytest.approx(2 / 3), 1.5)
    assert span([1.0, 5.0], 0.0, 4.0) == (1.0, 1.0)  # outside already: left as it is


def test_at_their_base_beliefs_are_the_scenario_itself() -> None:
    believed = ready("{worlds: 2}").believed
    own = believed.values({one.name: one.parameter.base for one in believed.beliefs})
    for path, value in own.items():
        assert believed.base.leaf(path).base == value
    assert applied("factor", {"a": 2 / 3}, 1.0) == {"a": 2 / 3}


def test_every_scenario_that_comes_with_the_program_can_be_doubted() -> None:
    refused = []
    for file in sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml")):
        try:
            one = prepare_source(loads(file.read_text("utf-8"), ["beliefs={worlds: 2}"], str(file)))
        except BadInput as bad:
            refused.append((file.name, str(bad)))
        else:
            assert len(one.believed.beliefs) > 100, file
    assert all("one arm only" in why for _, why in refused), refused


def test_what_a_section_says_of_its_numbers_is_about_numbers_that_it_has() -> None:
    with pytest.raises(TypeError, match="colour"):

        class _Wrong(Settings):
            doubts = Doubts(decided=("colour",))
            size: float = assumption(1.0, "m", plausible=(0, 2), source="assumption")


# --- which worlds are drawn -------------------------------------------------------------------------------------------


def test_the_same_worlds_are_drawn_again_and_more_of_them_begin_with_these() -> None:
    few, again, more = (plan_worlds(ready(f"{{worlds: {count}, design: sobol}}"))[1] for count in (4, 4, 8))
    assert few == again
    assert more[:5] == few
    assert len({json.dumps(point.values) for point in more}) == 9


def test_numbers_that_go_together_are_correlated_as_stated_and_each_stays_uniform() -> None:
    one = ready("{worlds: 2}")
    beliefs = sorted(one.believed.beliefs, key=lambda belief: belief.name)
    places = {belief.name: i for i, belief in enumerate(beliefs)}
    unit = np.random.default_rng(1).random((4000, len(beliefs)))
    drawn = together(unit, beliefs)
    pair = [places["model.leaving.satisfaction"], places["model.leaving.trust"]]
    assert spearmanr(drawn[:, pair]).statistic == pytest.approx(0.5, abs=0.04)
    assert spearmanr(unit[:, pair]).statistic == pytest.approx(0.0, abs=0.05)
    triple = [places[f"managers.{name}"] for name in ("turnover", "turnover_junior", "turnover_senior")]
    assert spearmanr(drawn[:, triple]).statistic[np.triu_indices(3, 1)] == pytest.approx([0.7] * 3, abs=0.04)
    for place in (*pair, *triple):
        assert kstest(drawn[:, place], "uniform").pvalue > 0.001
    alone = [i for i, belief in enumerate(beliefs) if not belief.group]
    assert (drawn[:, alone] == unit[:, alone]).all()
    across = spearmanr(drawn[:, [pair[0], triple[0]]]).statistic
    assert across == pytest.approx(0.0, abs=0.05)  # of another section


def test_a_world_that_cannot_be_is_moved_towards_the_scenarios_own_numbers() -> None:
    ranges = "managers.junior_months: {low: 12, high: 60}, managers.senior_months: {low: 24, high: 120}"
    one = ready(f"{{worlds: 32, vary: {{{ranges}}}}}")
    drawn = draw(one.scenario, one.believed)
    assert 0 < drawn.repaired < 32
    for world in drawn.worlds:
        assert one.believed.base.why_not(one.believed.values(world)) is None
        assert world["managers.junior_months"] <= world["managers.senior_months"]
    assert draw(one.scenario, one.believed) == drawn


# --- how they are lived -----------------------------------------------------------------------------------------------


def test_the_world_of_the_scenarios_own_numbers_gives_the_runs_own_figures(run: Run) -> None:
    assert run.worlds is not None
    own = run.worlds[(run.worlds["world"] == 0) & (run.worlds["seed"] == 3)].set_index("arm")
    kpis = run_kpis_of(run)
    kpis = kpis[kpis["seed"] == 3]
    assert len(kpis) > 100
    for arm, kpi, value in zip(kpis["arm"], kpis["kpi"], kpis["value"], strict=True):
        assert own.loc[arm, kpi] == value or (np.isnan(own.loc[arm, kpi]) and np.isnan(value)), (arm, kpi)
    assert levels(run).nunique().min() == 5  # and no other world does


def test_a_belief_about_a_strategy_leaves_the_reference_as_it_is_with_the_same_luck(tmp_path: Path) -> None:
    run = lived(tmp_path / "run", "{worlds: 4, agents: 600, vary: [staff_upskilling.transfer]}")
    assert levels(run)["nothing"].nunique() == 1
    assert levels(run)["training"].nunique() == 5
    assert run.worlds is not None
    assert set(run.worlds["seed"]) == {3}


def test_an_assumption_that_does_nothing_changes_nothing_and_nobody_pays_for_it(tmp_path: Path) -> None:
    run = lived(tmp_path / "run", "{worlds: 4, agents: 600, vary: [model.leaving.word_of_mouth, model.loyalty.spread]}")
    assert run.worlds is not None
    assert run.worlds["model.leaving.word_of_mouth"].nunique() == 5
    for kpi in ("npv", "attrition_annual", "aum_end"):
        assert levels(run, kpi).nunique().max() == 1
    assert run.beliefs is not None
    assert (run.beliefs["expected"].dropna() == run.beliefs["as_assumed"].dropna()).all()
    assert (run.beliefs["low"].dropna() == run.beliefs["high"].dropna()).all()


def test_counts_and_shares_of_worlds_add_up(run: Run) -> None:
    table = run.beliefs
    assert table is not None
    assert list(table["arm"]) == run.arms
    assert table["best_in"].sum() == 4
    found = levels(run).loc[1:, run.arms]
    gaps = found.sub(found["nothing"], axis=0)
    for one in table.iloc[1:].to_dict("records"):
        own = gaps[one["arm"]]
        assert one["pays_in"] == (own > 0).sum() == round(one["share_pays"] * 4)
        assert one["expected"] == pytest.approx(own.mean())
        assert one["share_low"] <= one["share_pays"] <= one["share_high"]
        assert one["low"] <= one["median"] <= one["high"]
    for arm, most in zip(table["arm"], table["max_regret"], strict=True):
        assert most == pytest.approx((found.max(axis=1) - found[arm]).max())
    assert pd.isna(table["expected"].iloc[0])


def test_whoever_lives_the_worlds_and_however_often_it_is_interrupted_the_bytes_are_the_same(
    tmp_path: Path, run: Run
) -> None:
    class Impatient(Callback):
        def note(self, text: str) -> None:
            if "worlds" in text and self.patience == 0:
                raise KeyboardInterrupt
            self.patience -= "worlds" in text

        patience = 1  # the worlds are drawn and begun before it ends

    out = tmp_path / "again"
    with pytest.raises(Interrupted, match=f"--resume --out {out}"):
        run_all([ready("{worlds: 4, agents: 600}")], Options(out), Impatient())
    assert (out / "beliefs" / "manifest.json").exists()
    assert not (out / "worlds.parquet").exists()
    again = lived(out, "{worlds: 4, agents: 600}", resume=True)
    assert again.manifest["resumed"] == 1
    for name in ("worlds.parquet", "beliefs.csv"):
        assert (out / name).read_bytes() == (run.path / name).read_bytes()
    assert not (out / "beliefs").exists()


@pytest.mark.long
@pytest.mark.slow
def test_workers_live_the_same_worlds(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("distributed")
    file = tmp_path / "doubtful.yaml"
    file.write_text(f"{BANK}beliefs: {{worlds: 4, agents: 600}}\n", "utf-8")
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--workers", "2", "--quiet"]) == 0
    for name in ("worlds.parquet", "beliefs.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (run.path / name).read_bytes()


@pytest.mark.long
def test_verify_holds_the_worlds_and_finds_one_that_was_changed(tmp_path: Path, run: Run) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    assert verify(copy).same
    table = (copy / "beliefs.csv").read_text("utf-8")
    (copy / "beliefs.csv").write_text(table.replace(",4,", ",5,", 1), "utf-8")
    assert "beliefs.csv" in verify(copy).differing


@pytest.mark.long
def test_a_world_that_breaks_is_told_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.experiments.beliefs import Worlds as Lived

    whole = Lived.prepared

    def broken(self: Lived, point: Any) -> Prepared:
        if point.number == 2:
            raise RuntimeError("the roof fell in")
        return whole(self, point)

    monkeypatch.setattr(Lived, "prepared", broken)
    run = lived(tmp_path / "run", "{worlds: 4, agents: 600}")
    assert run.beliefs is not None
    assert set(run.beliefs["worlds"]) == {3}
    assert run.manifest["beliefs"]["failed"] == 3
    assert "the roof fell in" in run.manifest["beliefs"]["first_error"]
    assert "3 tasks of worlds have no result" in " ".join(str(sim.open_run(run.path)).split())
    assert (run.path / "beliefs" / "tasks.parquet").exists()  # says where


# --- how they are told ------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_terminal_the_page_and_json_tell_both_kinds_of_sureness(tmp_path: Path, run: Run, capsys: Any) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    assert main(["report", str(copy)]) == 0
    told = capsys.readouterr().out
    assert "Under other beliefs" in told
    assert all(len(line) <= 100 for line in told.splitlines())
    page = (copy / "report.html").read_text("utf-8")
    assert '<section id="beliefs"' in page
    assert "As to luck:" in page
    assert (copy / "figures" / "worth_by_world.svg").exists()
    file = tmp_path / "doubtful.yaml"
    file.write_text(f"{BANK}beliefs: {{worlds: 2, agents: 600, vary: [managers]}}\n", "utf-8")
    assert main(["run", str(file), "--out", str(tmp_path / "json"), "--json", "--quiet", "--threads", "1"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [row["arm"] for row in record["beliefs"]["rows"]] == run.arms
    assert set(record["beliefs"]["verdicts"]["training"]) == {"luck", "beliefs"}


def test_the_library_has_the_table_the_worlds_the_words_and_the_figure(run: Run) -> None:
    opened = sim.open_run(run.path)
    assert opened.beliefs is not None
    assert opened.worlds is not None
    assert len(opened.worlds) == 5 * 3
    assert list(opened.turns) == run.arms[1:]
    assert opened.plot("worth_by_world").get_label()


@pytest.mark.long
def test_the_runs_own_seeds_say_how_much_of_a_world_is_luck_and_the_page_what_knowing_is_worth(tmp_path: Path) -> None:
    told = lived(tmp_path / "run", "{worlds: 8, agents: 150}")
    worlds = worlds_of(told.path, told.manifest["beliefs"], told.arms)
    assert told.manifest["beliefs"]["luck_ratio"] == pytest.approx(2.0)  # a quarter of the rows, one seed
    cash = (
        told.monthly.assign(of=lambda m: m["profit"] * 1.1 ** (-m["month"] / 12)).groupby(["arm", "seed"])["of"].sum()
    )
    by_seed = cash.unstack("arm")
    found = luck_of(told, worlds)
    assert found is not None
    for arm in worlds.arms:
        assert found[arm] == pytest.approx(2.0 * (by_seed[arm] - by_seed["nothing"]).std(), rel=1e-6)
    worth = sim.open_run(told.path).worth
    assert worth is not None
    assert worth.total["method"].tolist() == ["luck measured between seeds"]
    assert set(worth.parts["parameter"]) <= {one["path"] for one in told.manifest["beliefs"]["parameters"]}
    assert "What it would be worth to know" in build(told.path).read_text("utf-8")


def test_a_run_without_beliefs_has_none_and_says_nothing(tmp_path: Path) -> None:
    prepared = prepare_source(loads(BANK, file="plain.yaml"))
    plain = run_all([prepared], Options(tmp_path / "run"))[0].run
    opened = sim.open_run(plain.path)
    assert (opened.beliefs, opened.worlds, opened.turns) == (None, None, {})
    assert "worth_by_world" not in opened.figures
    assert "beliefs" not in str(opened)


def test_values_and_inputs_have_a_row_a_world_for_whoever_asks_what_knowing_is_worth(run: Run) -> None:
    worlds = worlds_of(run.path, run.manifest["beliefs"], run.arms)
    assert list(worlds.values.columns) == run.arms
    assert len(worlds.values) == len(worlds.inputs) == 4
    np.testing.assert_array_equal(worlds.values["training"], levels(run).loc[1:, "training"])
    pd.testing.assert_frame_equal(table_of(worlds), read(run.path).beliefs, check_like=False)  # type: ignore[arg-type]


def designed(folder: Path) -> Worlds:
    """Worlds in which an arm is worth twice what one belief is above one half, whatever 20 others are."""
    paths = ["managers.turnover", *(f"model.other_{i}" for i in range(20))]
    u = np.random.default_rng(5).random((129, len(paths)))
    u[0] = 0.5
    rows = [
        {"world": world, "arm": arm, "seed": 1, "status": "ok", **dict(zip(paths, u[world], strict=True)), "npv": npv}
        for world in range(129)
        for arm, npv in (("nothing", 10.0), ("try", 9.0 + 2 * u[world, 0]))
    ]
    told = {
        "kpis": ["npv"],
        "kpi_units": {"npv": "CNY"},
        "currency": "CNY",
        "seeds": [1],
        "parameters": [{"path": path, "kind": "number", "low": 0.0, "high": 1.0, "base": 0.5} for path in paths],
    }
    write_worlds(folder, pd.DataFrame(rows), told)
    return worlds_of(folder, told, ["nothing", "try"])


def test_the_belief_that_turns_a_designed_verdict_is_named_with_its_bound(tmp_path: Path) -> None:
    worlds = designed(tmp_path)
    table = table_of(worlds).set_index("arm")
    gaps = 2 * worlds.inputs["managers.turnover"] - 1
    assert table.loc["try", "expected"] == pytest.approx(gaps.mean())
    assert table.loc["try", "pays_in"] == table.loc["try", "best_in"] == (gaps > 0).sum()
    assert table.loc["nothing", "max_regret"] == pytest.approx(gaps.max())
    assert table.loc["try", "max_regret"] == pytest.approx(-gaps.min())
    told = turning(worlds, "try")
    bound = re.search(r"managers turnover is (?:at most|above) (0\.\d+)", told)
    assert bound is not None, told
    assert float(bound[1]) == pytest.approx(0.5, abs=0.03)
    assert "managers turnover (99" in told.replace("\xa0", " ")


def test_without_the_package_of_the_tree_the_rest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    told = turning(designed(tmp_path), "try")
    assert "can say: scikit-learn is not installed; pip install" in told
    assert "managers turnover" in told


def test_an_interval_of_a_share_stays_within_none_and_all() -> None:
    assert wilson(0, 64)[0] == 0.0
    assert wilson(64, 64)[1] == 1.0
    assert wilson(32, 64) == pytest.approx((0.381, 0.619), abs=0.001)  # by hand


# --- what is no section of beliefs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beliefs", "where", "what"),
    [
        ("{worlds: 1}", "beliefs.worlds", "1 is not allowed; a whole number from 2"),
        ("{worlds: 48, design: sobol}", "beliefs.worlds", "48 is not a power of two, which sobol needs; 32 or 64"),
        ("{design: saltelli}", "beliefs.design", '"saltelli" is not allowed; random, latin_hypercube or sobol'),
        ("{design: grid}", "beliefs.design", '"grid" is not allowed'),
        ("{seeds: 3}", "beliefs.seeds", "3 is more than the 2 of the scenario"),
        ("{vary: {}}", "beliefs.vary", "nothing is varied; all, or paths such as"),
        ("{vary: [managers.turnovr]}", "beliefs.vary[0]", "did you mean managers.turnover?"),
        ("{vary: [staff_upskiling.transfer]}", "beliefs.vary[0]", "did you mean staff_upskilling.transfer?"),
        ("{vary: [managers.allocation]}", "beliefs.vary[0]", "managers.allocation is no assumption"),
        ("{vary: [months]}", "beliefs.vary[0]", "months is no assumption"),
        ("{vary: [seeds]}", "beliefs.vary[0]", "seeds is the same at all points"),
        ("{vary: [managers, managers.turnover]}", "beliefs.vary[1]", "managers.turnover is varied already; once"),
        ("{vary: {managers.turnover: {low: 3, high: 1}}}", "high", "1 is not above low"),
        ("{vary: {managers.turnover: {low: 0.1, high: 9}}}", 'managers.turnover".high', "9.0 is not allowed"),
        ("{vary: {economics.margin: {low: 0.1, high: 2}}}", "economics.margin", "is no single number"),
        (
            "{vary: [economics.margin, economics.margin.wealth]}",
            "beliefs.vary",
            "economics.margin.wealth moves economics.margin.wealth, and so does economics.margin; one of them",
        ),
    ],
)
def test_bad_input_is_one_line_with_its_place(beliefs: str, where: str, what: str) -> None:
    with pytest.raises(BadInput) as caught:
        ready(beliefs)
    (mistake,) = caught.value.mistakes
    assert mistake.file == "doubtful.yaml"
    assert mistake.line == 11
    assert where in mistake.path
    assert what in mistake.message


def test_validate_says_how_many_worlds_there_will_be_and_of_what(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "doubtful.yaml"
    file.write_text(f"{BANK}beliefs: {{worlds: 8, vary: [model.life]}}\n", "utf-8")
    assert main(["validate", str(file)]) == 0
    assert "beliefs: 8 worlds more, in which 4 assumptions differ" in capsys.readouterr().out


def test_one_arm_has_no_verdict_that_beliefs_could_turn() -> None:
    alone = BANK[: BANK.index("  training")]
    with pytest.raises(BadInput, match="beliefs: one arm only"):
        ready("{worlds: 4}", alone)


def test_a_number_has_its_own_range_a_section_all_its_beliefs_and_a_lever_may_be_doubted_by_name() -> None:
    one = ready(
        "{worlds: 8, vary: {managers.turnover: {low: 0.15, high: 0.2}, managers.salary: null, model.life: null}}"
    )
    found = {belief.name: belief.parameter for belief in one.believed.beliefs}
    assert found["managers.turnover"].ends == (0.15, 0.2)
    assert found["managers.salary"].ends == (8000, 40000)
    assert {name for name in found if name.startswith("model.life.")} == {
        f"model.life.{name}" for name in ("events", "relocation", "inheritance", "need")
    }
    assert check_beliefs(one.scenario, one.origin).beliefs == one.believed.beliefs
    stored = prepare_source(loads(json.dumps(one.scenario.stored()), file="stored.yaml"))
    assert stored.believed.beliefs == one.believed.beliefs  # as verify reads it
