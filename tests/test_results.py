"""A results folder is whole or visibly unfinished, never wrong; and its digest can be recomputed by anybody."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import fabricate
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.errors import BadInput, RunFailed
from sim.store.files import write_atomically, write_csv
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import read
from sim.store.tables import (
    MONTHLY_COLUMNS,
    MONTHLY_DTYPES,
    REQUIRED_TABLES,
    SUMMARY_COLUMNS,
    arm_digests,
    result_digest,
)

SCENARIO = "name: tiny\nabout: 客户\n"
MONTHS = 13
PLAN = [("nothing", 1), ("nothing", 2), ("nothing", 3), ("calls", 1), ("calls", 2), ("calls", 3)]


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return fabricate.fabricate(months=MONTHS)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    count = 2 * (MONTHS + 1)
    return pd.DataFrame(
        {
            "month": np.repeat(np.arange(MONTHS + 1), 2),
            "uid": np.tile(np.array([2**64 - 1, 5], dtype=np.uint64), MONTHS + 1),
            "tier": ["mass"] * count,
            "true_satisfaction": np.linspace(-1, 1, count).astype(np.float32),
            "observed_opted_out": [True, False] * (MONTHS + 1),
        }
    )


def manifest(**more):
    return fabricate.manifest(months=MONTHS, **more)


def start(out, **options) -> ResultsFolder:
    return ResultsFolder.create(out, SCENARIO, manifest(), **options)


def fill(folder: ResultsFolder, tables, plan=PLAN, **more) -> ResultsFolder:
    for arm, seed in plan:
        folder.add(arm, seed, fabricate.of_run(tables, arm, seed) | more, seconds=0.5, open_rows=10)
    return folder


@pytest.fixture(scope="module")
def templates(tmp_path_factory, tables) -> Path:
    """`filled` with every part and no finish, `whole` finished: copied, because making them takes a quarter second."""
    folder = tmp_path_factory.mktemp("templates")
    fill(start(folder / "filled"), tables)
    shutil.copytree(folder / "filled", folder / "whole")
    ResultsFolder.create(folder / "whole", SCENARIO, manifest(), resume=True).finish()
    return folder


@pytest.fixture
def filled(templates, tmp_path) -> Path:
    return Path(shutil.copytree(templates / "filled", tmp_path / "filled"))


@pytest.fixture
def done(templates, tmp_path) -> Path:
    return Path(shutil.copytree(templates / "whole", tmp_path / "run"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def said(error: pytest.ExceptionInfo[BadInput]) -> str:
    assert error.value.exit_code == 2
    return str(error.value)


# ------------------------------------------------------------------------------------------------ there and back


def test_what_was_written_is_read_back(done, tables):
    run = read(done)
    assert run.scenario_text == SCENARIO
    assert (run.arms, run.tiers, run.seeds) == (["nothing", "calls"], list(fabricate.TIERS), [1, 2, 3])
    for name in REQUIRED_TABLES:
        stored, given = getattr(run, name), tables[name]
        assert set(stored.columns) == set(given.columns)
        pd.testing.assert_frame_equal(stored, given[stored.columns], check_dtype=False)
    assert run.panel is None
    assert sorted(content(done)) == [
        "bank.parquet",
        "cohorts.parquet",
        "managers.parquet",
        "manifest.json",
        "monthly.parquet",
        "scenario.yaml",
        "transitions.parquet",
    ]


def test_columns_have_the_contracts_order_and_types(done):
    schema = pq.read_schema(done / "monthly.parquet")
    assert tuple(schema.names) == MONTHLY_COLUMNS
    kinds = {"text": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    assert schema.types == [kinds[MONTHLY_DTYPES[column]] for column in schema.names]
    assert schema.metadata is None  # no pandas index rides along
    assert pq.ParquetFile(done / "monthly.parquet").metadata.row_group(0).column(0).compression == "ZSTD"


def test_rows_are_by_arm_in_scenario_order_then_seed_month_and_tier_in_tier_order(tmp_path, tables):
    folder = start(tmp_path)
    rng = np.random.default_rng(1)
    for arm, seed in reversed(PLAN):
        mixed = {n: t.sample(frac=1, random_state=rng) for n, t in fabricate.of_run(tables, arm, seed).items()}
        folder.add(arm, seed, mixed, 0.1)
    run = folder.finish()
    for name in REQUIRED_TABLES:
        pd.testing.assert_frame_equal(getattr(run, name), tables[name][getattr(run, name).columns], check_dtype=False)


def test_the_same_rows_give_the_same_bytes(tmp_path, tables, done):
    fill(start(tmp_path / "new"), tables, PLAN[::-1]).finish()
    one, two = content(tmp_path / "new"), content(done)
    assert {k: v for k, v in one.items() if k != "manifest.json"} == {k: two[k] for k in one if k != "manifest.json"}


def test_arm_and_seed_are_filled_in(tmp_path, tables, done):
    folder = start(tmp_path / "other")
    for arm, seed in PLAN:
        bare = {n: t.drop(columns=["arm", "seed"]) for n, t in fabricate.of_run(tables, arm, seed).items()}
        folder.add(arm, seed, bare, 0.1)
    assert folder.finish().manifest["result_digest"] == read(done).manifest["result_digest"]


def test_a_panel_keeps_its_own_columns_and_types(tmp_path, tables, panel):
    run = fill(start(tmp_path), tables, panel=panel).finish()
    assert run.manifest["tables"][-1] == "panel"
    stored = read(tmp_path).panel
    assert len(stored) == len(panel) * len(PLAN)
    assert stored["uid"].dtype == np.uint64
    assert stored["uid"].max() == 2**64 - 1
    assert stored["true_satisfaction"].dtype == np.float32
    assert stored["observed_opted_out"].dtype == bool


def test_a_column_that_one_arm_has_is_missing_in_the_others(tmp_path, tables):
    folder = start(tmp_path)
    for arm, seed in PLAN:
        one = fabricate.of_run(tables, arm, seed)
        folder.add(arm, seed, one | ({"bank": one["bank"].assign(maturity_calls=1)} if arm == "calls" else {}), 0.1)
    by_arm = folder.finish().bank.groupby("arm")["maturity_calls"].mean()
    assert by_arm["calls"] == 1.0
    assert math.isnan(by_arm["nothing"])


def test_the_manifest_names_every_run_with_its_seconds(done):
    manifest = json.loads((done / "manifest.json").read_text())
    assert manifest["status"] == "done"
    assert [(run["arm"], run["seed"]) for run in manifest["runs"]] == PLAN
    assert manifest["runs"] == ResultsFolder(done, manifest).receipts()
    assert manifest["runs"][0] == {"arm": "nothing", "seed": 1, "seconds": 0.5, "open_rows": 10}
    assert manifest["failed"] == []


def test_the_manifest_takes_numpy_numbers_and_has_null_for_what_json_cannot_say(filled):
    facts = {"peak_memory_mb": np.float64(812.5), "threads": np.int64(2), "speed": float("nan"), "list": np.arange(2)}
    start(filled, resume=True).finish(facts)
    stored = read(filled).manifest
    assert [stored[key] for key in facts] == [812.5, 2, None, [0, 1]]


def test_summary_and_comparison_are_read_on_demand(done):
    run = read(done)
    with pytest.raises(BadInput, match=r"summary\.csv  missing"):
        _ = run.summary
    row = {
        "arm": "nan",
        "kpi": "npv",
        "unit": "CNY",
        "mean": 0.1 + 0.2,
        "sd": np.nan,
        "ci_low": np.nan,
        "ci_high": np.inf,
        "seeds": 1,
    }
    write_csv(done / "summary.csv", pd.DataFrame([row]))
    summary = read(done).summary
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    assert summary.loc[0, "arm"] == "nan"  # an arm may be called so
    assert summary.loc[0, "mean"] == 0.1 + 0.2
    assert math.isnan(summary.loc[0, "sd"])
    assert summary.loc[0, "ci_high"] == np.inf
    (done / "comparison.csv").write_text("arm,kpi\na,b\n")
    with pytest.raises(BadInput, match=r"comparison\.csv  damaged: column reference"):
        _ = read(done).comparison


# ------------------------------------------------------------------------------------------------------- digest


def digest_by_hand(monthly: pd.DataFrame, arms: list[str], tiers: list[str]) -> str:
    """The docstring of `result_digest`, written down again without looking at its code."""
    rows = sorted(
        monthly.to_dict("records"),
        key=lambda r: (arms.index(r["arm"]), r["seed"], r["month"], tiers.index(r["tier"])),
    )
    out = struct.pack("<q", len(rows))
    for column in MONTHLY_COLUMNS:
        for row in rows:
            value = row[column]
            if column in ("arm", "tier"):
                out += struct.pack("<I", len(value.encode())) + value.encode()
            elif column in ("seed", "month"):
                out += struct.pack("<q", value)
            elif value != value:
                out += bytes.fromhex("000000000000f87f")
            else:
                out += struct.pack("<d", 0.0 if value == 0 else value)
    return hashlib.sha256(out).hexdigest()


@pytest.fixture(scope="module")
def monthly(tables) -> pd.DataFrame:
    return tables["monthly"]


def test_the_digest_can_be_recomputed_from_its_docstring(done, monthly):
    arms, tiers = ["nothing", "calls"], list(fabricate.TIERS)
    stored = pd.read_parquet(done / "monthly.parquet")
    wanted = digest_by_hand(stored, arms, tiers)
    assert json.loads((done / "manifest.json").read_text())["result_digest"] == wanted
    assert result_digest(monthly, arms, tiers) == wanted


def test_the_digest_does_not_know_row_order_index_or_text_dtype(monthly):
    arms, tiers = ["nothing", "calls"], fabricate.TIERS
    wanted = result_digest(monthly, arms, tiers)
    mixed = monthly.sample(frac=1, random_state=3)
    assert result_digest(mixed, arms, tiers) == wanted
    assert result_digest(mixed.reset_index(drop=True)[list(monthly.columns[::-1])], arms, tiers) == wanted
    for dtype in ("object", "category", "string"):
        assert result_digest(monthly.astype({"arm": dtype, "tier": dtype}), arms, tiers) == wanted


def test_the_digest_sees_every_value_and_no_disguise_of_it(monthly):
    arms, tiers = ["nothing", "calls"], fabricate.TIERS
    seen = {result_digest(monthly, arms, tiers)}
    for column in MONTHLY_COLUMNS[4:]:
        changed = monthly.copy()
        changed.loc[17, column] = np.nextafter(changed.loc[17, column], np.inf)
        seen.add(result_digest(changed, arms, tiers))
    seen.add(result_digest(monthly.assign(seed=monthly["seed"] + 1), arms, tiers))
    seen.add(result_digest(monthly.replace({"arm": {"calls": "callz"}}), ["nothing", "callz"], tiers))
    assert len(seen) == len(MONTHLY_COLUMNS) - 4 + 3

    def with_trust(*values):
        return result_digest(monthly.assign(trust=np.resize(np.array(values), len(monthly))), arms, tiers)

    other_nan = np.frombuffer(struct.pack("<Q", 0xFFF8000000000001))[0]
    assert with_trust(np.nan) == with_trust(-np.nan) == with_trust(other_nan) != with_trust(0.0)
    assert with_trust(-0.0) == with_trust(0.0)


def test_large_seeds_keep_their_last_digit(monthly):
    one = monthly[(monthly["arm"] == "nothing") & (monthly["seed"] == 1)]
    digests = {result_digest(one.assign(seed=seed), ["nothing"], fabricate.TIERS) for seed in (2**63 - 1, 2**63 - 2)}
    assert len(digests) == 2


def test_arms_that_lived_the_same_have_the_same_digest(monthly):
    tiers = fabricate.TIERS
    twin = monthly[monthly["arm"] == "nothing"].assign(arm="zero")
    digests = arm_digests(pd.concat([monthly, twin]), ["nothing", "calls", "zero", "unseen"], tiers)
    assert digests["zero"] == digests["nothing"] != digests["calls"]
    assert "unseen" not in digests


def test_an_unknown_arm_is_a_fault_of_the_caller(monthly):
    with pytest.raises(ValueError, match="calls not among nothing"):
        result_digest(monthly, ["nothing"], fabricate.TIERS)


# ----------------------------------------------------------------------------------------- crashes and resuming


def test_a_crash_leaves_a_folder_that_says_so_and_resume_runs_only_the_rest(tmp_path, tables, done):
    fill(start(tmp_path / "new"), tables, PLAN[:2])
    with pytest.raises(BadInput) as error:  # no finish: the machine went off
        read(tmp_path / "new")
    assert "unfinished (status running, 2 of 6 runs finished)" in said(error)
    assert "--resume" in said(error)

    again = start(tmp_path / "new", resume=True)
    assert again.finished() == set(PLAN[:2])
    fill(again, tables, PLAN[2:]).finish()
    resumed, straight = read(tmp_path / "new"), read(done)
    assert resumed.manifest["result_digest"] == straight.manifest["result_digest"]
    assert resumed.manifest["resumed"] == 1
    assert (tmp_path / "new/monthly.parquet").read_bytes() == (done / "monthly.parquet").read_bytes()
    assert not (tmp_path / "new/parts").exists()


def test_a_part_counts_only_with_its_receipt_and_its_whole_tables(tmp_path, tables):
    folder = fill(start(tmp_path), tables, PLAN[:4])
    parts = tmp_path / "parts"
    (parts / "nothing.1.json").unlink()  # died before the receipt
    (parts / "nothing.2.monthly.parquet").write_bytes(b"PAR1")  # a disk that lost what it had promised
    (parts / "nothing.3.json").write_text('{"arm": "nothing"')
    assert folder.finished() == {("calls", 1)}


@pytest.mark.parametrize("step", range(12))
def test_a_crash_anywhere_in_finish_loses_nothing(filled, done, monkeypatch, step):
    calls, rename = [], os.replace

    def dies(*names):
        calls.append(names)
        if len(calls) > step:
            raise KeyboardInterrupt
        rename(*names)

    monkeypatch.setattr("os.replace", dies)
    finished = False
    try:
        ResultsFolder.create(filled, SCENARIO, manifest(), resume=True).finish()
        finished = True
    except KeyboardInterrupt:
        pass
    monkeypatch.undo()
    if not finished:
        with pytest.raises(BadInput, match="unfinished"):
            read(filled)
        folder = start(filled, resume=True)
        assert folder.finished() == set(PLAN)
        folder.finish()
    assert read(filled).manifest["result_digest"] == read(done).manifest["result_digest"]
    assert not list(filled.rglob("*.tmp"))


def test_a_crash_while_overwriting_never_mixes_two_runs(done, tables, monkeypatch):
    changed = manifest(scenario_digest="ffff", run_id="later")
    calls, rename = [], os.replace

    def dies(*names):
        calls.append(names)
        if len(calls) > 1:  # the old manifest is marked and its files are gone; the new one is not there yet
            raise KeyboardInterrupt
        rename(*names)

    monkeypatch.setattr("os.replace", dies)
    with pytest.raises(KeyboardInterrupt):
        ResultsFolder.create(done, SCENARIO, changed, overwrite=True)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="unfinished"):
        read(done)
    assert start(done, resume=True).finished() == set()
    with pytest.raises(BadInput, match="0123456789ab, not ffff"):
        ResultsFolder.create(done, SCENARIO, changed, resume=True)


def test_interrupted_says_so_and_goes_on(tmp_path, tables):
    folder = fill(start(tmp_path), tables, PLAN[:1])
    folder.interrupt()
    with pytest.raises(BadInput, match="status interrupted, 1 of 6"):
        read(tmp_path)
    assert start(tmp_path, resume=True).finished() == {PLAN[0]}


def test_an_interrupt_after_the_end_cannot_undo_it(filled):
    folder = start(filled, resume=True)
    folder.finish()
    folder.interrupt()
    assert read(filled).manifest["status"] == "done"


def test_failed_runs_are_named_the_others_kept_and_resume_runs_only_the_failed(tmp_path, tables, done):
    out = tmp_path / "new"
    broken = [{"arm": "calls", "seed": 2, "error": "ZeroDivisionError: division by zero"}]
    fill(start(out), tables, [run for run in PLAN if run != ("calls", 2)]).finish(failed=broken)
    run = read(out)
    assert run.manifest["status"] == "failed"
    assert run.manifest["failed"] == broken
    assert len(run.monthly) == 5 * (MONTHS + 1) * 4
    again = start(out, resume=True)
    assert again.finished() == set(PLAN) - {("calls", 2)}
    fill(again, tables, [("calls", 2)]).finish()
    assert read(out).manifest["result_digest"] == read(done).manifest["result_digest"]
    assert read(out).manifest["failed"] == []


def test_a_run_in_which_everything_failed_is_still_readable(tmp_path):
    broken = [{"arm": arm, "seed": seed, "error": "no"} for arm, seed in PLAN]
    start(tmp_path).finish(failed=broken)
    run = read(tmp_path)
    assert len(run.monthly) == 0
    assert tuple(run.monthly.columns) == MONTHLY_COLUMNS
    assert run.manifest["arm_digests"] == {}


def test_what_belongs_to_a_whole_folder_is_there_before_the_manifest_says_done(filled):
    def write_summary(run):
        with pytest.raises(BadInput, match="unfinished"):
            read(filled)
        assert run.manifest["result_digest"]
        write_atomically(run.path / "report.html", "<p>")

    start(filled, resume=True).finish(then=write_summary)
    assert (read(filled).path / "report.html").exists()


def test_resuming_a_finished_run_changes_nothing(done):
    before = content(done)
    folder = start(done, resume=True)
    assert folder.status == "done"
    assert folder.finished() == set(PLAN)
    folder.finish()
    assert content(done) == before


def test_a_plan_with_holes_cannot_be_called_done(tmp_path, tables):
    folder = fill(start(tmp_path), tables, PLAN[:5])
    with pytest.raises(ValueError, match="neither finished nor failed: calls seed 3"):
        folder.finish()


def test_a_worker_may_add_to_a_copy(tmp_path, tables):
    import pickle

    folder = start(tmp_path)
    fill(pickle.loads(pickle.dumps(folder)), tables, PLAN[:1])
    assert folder.finished() == {PLAN[0]}


# --------------------------------------------------------------------------------------- folders that are refused


def test_a_new_an_absent_and_an_empty_folder_are_fine(tmp_path):
    start(tmp_path / "a" / "b")
    (tmp_path / "empty").mkdir()
    start(tmp_path / "empty")
    start(tmp_path / "absent", resume=True)


def test_a_folder_that_holds_another_run_is_left_alone(done):
    before = content(done)
    with pytest.raises(BadInput) as error:
        ResultsFolder.create(done, SCENARIO, manifest(scenario_digest="ffff"))
    assert "holds the run 20260101T000000Z-0123456789ab of tiny (status done)" in said(error)
    assert "--overwrite" in said(error)
    assert "--resume" not in said(error)  # another scenario could not go on with it
    assert content(done) == before


def test_an_unfinished_run_of_the_same_scenario_is_offered_to_resume(tmp_path):
    start(tmp_path)
    with pytest.raises(BadInput, match="--resume to go on with it"):
        start(tmp_path)


@pytest.mark.parametrize("option", ["overwrite", "resume", None])
def test_a_folder_of_other_files_is_never_touched(tmp_path, option):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(BadInput) as error:
        start(tmp_path, **({option: True} if option else {}))
    assert "thesis.docx" in said(error)
    assert content(tmp_path) == {"thesis.docx": b"years of work"}


@pytest.mark.parametrize("text", ['{"format": "web-app"}', "{", "[]"])
def test_a_manifest_of_something_else_is_not_ours(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadInput):
        start(tmp_path, overwrite=True)
    assert content(tmp_path) == {"manifest.json": text.encode()}


def test_overwrite_replaces_a_run_whole(done, tables):
    (done / "figures").mkdir()
    (done / "figures" / "retention.png").write_bytes(b"old")
    (done / "state").mkdir()
    (done / "state" / "nothing-1-12.npz").write_bytes(b"old")
    ResultsFolder.create(done, SCENARIO, manifest(scenario_digest="ffff"), overwrite=True)
    assert sorted(content(done)) == ["manifest.json", "scenario.yaml"]
    assert json.loads((done / "manifest.json").read_text())["scenario_digest"] == "ffff"


@pytest.mark.parametrize("name", ["notes.txt", "figures/mine.psd"])
def test_overwrite_spares_a_run_among_which_somebody_keeps_own_files(done, name):
    (done / name).parent.mkdir(exist_ok=True)
    (done / name).write_text("mine")
    before = content(done)
    with pytest.raises(BadInput, match=name):
        start(done, overwrite=True)
    assert content(done) == before


def test_overwrite_does_not_follow_links_out_of_the_folder(done, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_text("mine")
    (done / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="figures"):
        start(done, overwrite=True)
    assert (tmp_path / "elsewhere" / "a.png").exists()


def test_resume_of_another_scenario_says_both_digests(done):
    before = content(done)
    with pytest.raises(BadInput, match="scenario digest 0123456789ab, not ffff"):
        ResultsFolder.create(done, SCENARIO, manifest(scenario_digest="ffff"), resume=True)
    assert content(done) == before


def test_resume_does_not_mix_runs_of_two_versions_of_the_program(tmp_path):
    start(tmp_path)
    with pytest.raises(BadInput, match=r"code version 0\.1\.0, not 0\.2\.0"):
        ResultsFolder.create(tmp_path, SCENARIO, manifest(code_version="0.2.0"), resume=True)


def test_a_resumed_run_keeps_its_name_and_birthday(tmp_path):
    start(tmp_path)
    again = ResultsFolder.create(tmp_path, SCENARIO, manifest(run_id="x", created="later", threads=8), resume=True)
    assert again.manifest["run_id"] == "20260101T000000Z-0123456789ab"
    assert again.manifest["created"] == "2026-01-01T00:00:00Z"
    assert again.manifest["threads"] == 8


def test_overwrite_and_resume_together_and_a_file_as_folder_are_refused(tmp_path):
    with pytest.raises(BadInput, match="exclude each other"):
        start(tmp_path, overwrite=True, resume=True)
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match="is a file; name a folder"):
            start(out)


def test_refusals_only_look(tmp_path, done):
    before = content(tmp_path)
    assert ResultsFolder.refusals(tmp_path / "new", manifest()) == []
    assert len(ResultsFolder.refusals(done, manifest())) == 1
    assert content(tmp_path) == before


def test_no_permission_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # tests may run as root, whom nothing stops
    with pytest.raises(BadInput, match="permission denied to write in"):
        start(tmp_path / "new")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "no space left on the disk"), (errno.EACCES, "permission denied")]
)
def test_a_full_disk_is_a_failed_run_in_plain_words(tmp_path, tables, monkeypatch, number, words):
    folder = fill(start(tmp_path), tables, PLAN[:1])

    def fails(*_, **__):
        raise OSError(number, "as the system says")

    monkeypatch.setattr("sim.store.tables._write_parquet", fails)
    with pytest.raises(RunFailed, match=words):
        fill(folder, tables, PLAN[1:2])
    monkeypatch.undo()
    assert folder.finished() == {PLAN[0]}
    assert not list(tmp_path.rglob("*.tmp"))


# ------------------------------------------------------------------------------------- tables that break their law


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("monthly", lambda t: t.drop(columns="profit"), "profit"),
        ("monthly", lambda t: t.assign(mood=1.0), "mood"),
        ("monthly", lambda t: t.iloc[1:], "has 55 rows, should be 56"),
        ("monthly", lambda t: pd.concat([t.iloc[1:], t.iloc[-1:]]), "appears twice"),
        ("monthly", lambda t: t.replace({"tier": {"mass": "gold"}}), "gold not among"),
        ("monthly", lambda t: t.assign(seed=9), "rows of another run"),
        ("transitions", lambda t: t.replace({"to": {"closed": "gone"}}), "gone not among"),
        ("managers", lambda t: t.assign(event=None), "missing values in column event"),
    ],
)
def test_a_table_that_breaks_its_law_is_refused(tmp_path, tables, name, change, words):
    one = fabricate.of_run(tables, "nothing", 1)
    folder = start(tmp_path)
    with pytest.raises(ValueError, match=words):
        folder.add("nothing", 1, one | {name: change(one[name])}, 0.1)
    assert folder.finished() == set()


def test_a_run_outside_the_plan_and_a_missing_table_are_refused(tmp_path, tables):
    one = fabricate.of_run(tables, "nothing", 1)
    with pytest.raises(ValueError, match="not in the plan"):
        start(tmp_path).add("nothing", 4, one, 0.1)
    del one["bank"]
    with pytest.raises(ValueError, match="tables should be monthly, bank"):
        start(tmp_path, overwrite=True).add("nothing", 1, one, 0.1)


# ------------------------------------------------------------------------------------------------ damaged folders


def rewrite(file: Path, change) -> None:
    pq.write_table(change(pq.read_table(file)), file)


def edit(file: Path, **changes) -> None:
    manifest = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}))


def cast(table: pa.Table, column: str, kind: pa.DataType) -> pa.Table:
    place = table.column_names.index(column)
    return table.set_column(place, column, table.column(column).cast(kind))


DAMAGE = {
    "manifest absent": (lambda f: (f / "manifest.json").unlink(), "not a results folder: it has no manifest.json"),
    "manifest cut": (lambda f: (f / "manifest.json").write_text('{"format": "rap'), "manifest.json  damaged"),
    "manifest not text": (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe\xff"), "manifest.json  damaged"),
    "manifest a list": (lambda f: (f / "manifest.json").write_text("[]"), "not the manifest of a run"),
    "manifest lacks": (lambda f: edit(f / "manifest.json", tiers=None), "tiers: damaged: missing"),
    "manifest twisted": (lambda f: edit(f / "manifest.json", seeds="1,2,3", months="24"), "seeds: damaged: "),
    "manifest runs": (lambda f: edit(f / "manifest.json", runs=[{"arm": "nothing"}]), "runs[0].seed: damaged: missing"),
    "manifest tables": (lambda f: edit(f / "manifest.json", tables=["monthly"]), "tables: damaged"),
    "manifest newer": (lambda f: edit(f / "manifest.json", format_version=2), "format_version 2; this program reads 1"),
    "status odd": (lambda f: edit(f / "manifest.json", status="fine"), 'status: damaged: "fine"'),
    "still running": (lambda f: edit(f / "manifest.json", status="running"), "unfinished (status running"),
    "scenario absent": (lambda f: (f / "scenario.yaml").unlink(), "scenario.yaml  missing"),
    "scenario not text": (lambda f: (f / "scenario.yaml").write_bytes(b"\xff"), "scenario.yaml  damaged"),
    "column absent": (
        lambda f: rewrite(f / "monthly.parquet", lambda t: t.drop_columns(["aum", "profit"])),
        "monthly.parquet  damaged: column aum, profit missing",
    ),
    "column more": (
        lambda f: rewrite(f / "monthly.parquet", lambda t: t.append_column("mood", t.column("aum"))),
        "unknown column mood",
    ),
    "number as text": (
        lambda f: rewrite(f / "monthly.parquet", lambda t: cast(t, "active", pa.string())),
        "column active is string, should be float64",
    ),
    "seed as number": (
        lambda f: rewrite(f / "bank.parquet", lambda t: cast(t, "seed", pa.float64())),
        "bank.parquet  damaged: column seed is double, should be int64",
    ),
    "text as number": (
        lambda f: rewrite(f / "cohorts.parquet", lambda t: t.set_column(2, "tier", t.column("seed"))),
        "column tier is int64, should be text",
    ),
    "key missing": (
        lambda f: rewrite(f / "monthly.parquet", lambda t: t.set_column(2, "month", pa.nulls(len(t), pa.int64()))),
        "missing values in column month",
    ),
    "rows lost": (lambda f: rewrite(f / "monthly.parquet", lambda t: t.slice(1)), "has 55 rows, should be 56"),
    "run lost": (lambda f: rewrite(f / "monthly.parquet", lambda t: t.slice(56)), "arm nothing, seed 1 has no rows"),
    "rows doubled": (
        lambda f: rewrite(f / "monthly.parquet", lambda t: pa.concat_tables([t.slice(1), t.slice(1, 1)])),
        "damaged: ",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named(done, kind):
    damage, words = DAMAGE[kind]
    damage(done)
    with pytest.raises(BadInput) as error:
        read(done)
    assert words in said(error)


@pytest.mark.parametrize("name", REQUIRED_TABLES)
@pytest.mark.parametrize("kind", ["absent", "cut", "empty", "garbled", "a folder"])
def test_a_table_absent_cut_or_garbled_is_named(done, name, kind):
    file = done / f"{name}.parquet"
    whole = file.read_bytes()
    file.unlink()
    if kind == "a folder":
        file.mkdir()
    elif kind == "garbled":  # a whole footer over pages that are not
        middle = len(whole) - int.from_bytes(whole[-8:-4], "little") - 8
        file.write_bytes(whole[:4] + bytes(middle - 4) + whole[middle:])
    elif kind != "absent":
        file.write_bytes(whole[: len(whole) // 2] if kind == "cut" else b"")
    with pytest.raises(BadInput) as error:
        read(done)
    assert f"{name}.parquet  {'missing' if kind == 'absent' else ''}" in said(error)


def test_a_cut_panel_is_noticed_though_it_is_read_on_demand(tmp_path, tables, panel):
    fill(start(tmp_path), tables, panel=panel).finish()
    whole = (tmp_path / "panel.parquet").read_bytes()
    (tmp_path / "panel.parquet").write_bytes(whole[:-9])
    with pytest.raises(BadInput, match=r"panel\.parquet  damaged"):
        read(tmp_path)
    (tmp_path / "panel.parquet").unlink()
    with pytest.raises(BadInput, match=r"panel\.parquet  missing"):
        read(tmp_path)


def test_all_damage_is_named_at_once(done):
    (done / "bank.parquet").unlink()
    (done / "cohorts.parquet").write_bytes(b"")
    (done / "scenario.yaml").unlink()
    with pytest.raises(BadInput) as error:
        read(done)
    assert len(error.value.mistakes) == 3


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="there is no such folder"):
        read(tmp_path / "nowhere")


def test_changed_numbers_in_a_whole_folder_are_for_verify_to_find(done):
    rewrite(done / "monthly.parquet", lambda t: t.set_column(7, "aum", t.column("profit")))
    run = read(done)
    assert result_digest(run.monthly, run.arms, run.tiers) != run.manifest["result_digest"]


def test_importing_the_room_loads_nothing_heavy():
    code = "import sim.store.run_reading, sys; print([m for m in ('pandas', 'pyarrow', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
