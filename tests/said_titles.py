"""Titles of figures with several arms, each with its check."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from said import ARM, NUMBER, Reader, is_about, pattern

# ---- a headline figure in a title

THINGS = {
    "attrition over the run": ("attrition_annual", 100.0, True),
    "AUM at the end": ("aum_end", 1.0, False),
    "profit a year over the run": ("profit_annual", 1.0, False),
    "NPS at the end": ("nps", 1.0, False),
}
THING = "(?P<thing>" + "|".join(THINGS) + ")"
FAR = r"(?P<far>[^;“”]+?)"


@pattern(rf"No arm(?: shown)?'s {THING} differs clearly from that of {ARM}")
def _none(r: Reader, m: re.Match[str]) -> None:
    kpi = THINGS[m["thing"]][0]
    assert r.arm(m["arm"]) == r.arms[0]
    assert not any(r.truth.sure(arm, kpi) for arm in r.shown)


CLAUSE = re.compile(
    rf"(?P<no>no arm(?: shown)? (?P<noverb>raise|lower)s {THING} clearly)"
    rf"|(?P<one>{ARM} (?P<verb>raise|lower)s {THING.replace('thing', 'thing1')} clearly: {FAR} against “[^”]+”)"
    rf"|(?P<many>(?:all|(?P<count>\d+) of) (?P<whole>\d+) arms(?: shown)? (?P<verbs>raise|lower) "
    rf"{THING.replace('thing', 'thing2')} clearly, “(?P<arm2>[^”]+)” furthest: {FAR.replace('far', 'far2')} "
    rf"against “[^”]+”)"
    rf"|(?P<beyond>“(?P<arm3>[^”]+)” is at {FAR.replace('far', 'far3')}, not clear)",
    re.IGNORECASE,
)


@pattern(rf"(?:.*; )?(?:[Nn]o arm|[Aa]ll|\d+ of|“).*(?:raise|lower)s? {THING} clearly.*")
def _some(r: Reader, m: re.Match[str]) -> None:
    kpi, factor, less = THINGS[m["thing"]]
    sure = {arm: r.truth.sure(arm, kpi) for arm in r.shown}
    said: dict[int, int] = {}
    wished, named = -1 if less else 1, False
    for text in m.string.split("; "):
        c = CLAUSE.fullmatch(text)
        assert c, f"a clause that nobody checks: {text!r}"
        if c["no"]:
            assert (1 if c["noverb"] == "raise" else -1) == wished
            assert wished not in sure.values(), m.string
            continue
        if c["beyond"]:
            arm = r.arm(c["arm3"])
            assert not sure[arm]
            assert wished * r.truth.value(arm, kpi) > max(
                (wished * r.truth.value(other, kpi) for other in sure if sure[other] == wished), default=0.0
            )
            assert is_about(c["far3"], r.truth.value(arm, kpi), factor)
            named = True
            continue
        side = 1 if (c["verb"] or c["verbs"]) == "raise" else -1
        arm, far = r.arm(c["arm"] or c["arm2"]), c["far"] or c["far2"]
        assert sure[arm] == side, m.string
        assert is_about(far, r.truth.value(arm, kpi), factor), (m.string, r.truth.value(arm, kpi))
        assert all(
            side * r.truth.value(other, kpi) <= side * r.truth.value(arm, kpi) for other in sure if sure[other] == side
        )
        said[side] = 1 if c["one"] else int(c["count"] or c["whole"])
        assert c["one"] or int(c["whole"]) == len(sure)
    assert said == {side: n for side in (1, -1) if (n := list(sure.values()).count(side))}, m.string
    # nobody whom the panels show beyond the named one goes unnamed
    best = max((wished * r.truth.value(arm, kpi) for arm in sure if sure[arm] == wished), default=0.0)
    values = [wished * r.truth.value(arm, kpi) for arm in sure if not sure[arm]]
    assert named == any(value > best for value in values), m.string


# ---- what is only seen: means, for looking


def seen(r: Reader, thing: str) -> tuple[dict[str, float], float]:
    """The differences that a thing stands for, worked out from monthly.parquet, and the factor they are written in."""
    window, head = min(12, r.months), thing[0].lower() + thing[1:]
    for name, (kpi, factor, _) in THINGS.items():
        if thing.lower() == name.lower():
            return {arm: r.truth.value(arm, kpi) for arm in r.shown}, factor
    found = re.fullmatch(r"growth of (.+) customers over .+", head)
    if found:
        column = "active" if found[1] == "active" else "customers"
        tier = (
            None
            if found[1] == "active"
            else next(name for name in r.run.monthly["tier"].unique() if name.replace("_", " ") == found[1])
        )
        values = r.apart(r.total(column, -1, tier) / r.total(column, 0, tier))
        return {arm: values[arm] for arm in r.shown}, 100.0
    assert head.startswith("contacts a month per 1,000 customers, all channels"), thing
    flows = sum(
        r.total(f"contacts_{channel}", slice(-window, None))
        for channel in ("branch", "phone", "video", "messaging", "app")
    )
    values = r.apart(flows / r.total("customers", slice(-window - 1, -1)) * 1000)
    return {arm: values[arm] for arm in r.shown}, 1.0


def how_is_right(r: Reader, how: str) -> None:
    assert (how == "one seed") == (r.seeds == 1), how


HOW = r"\((?P<how>means, for looking|one seed)\)"


@pattern(
    rf"(?P<thing>[A-Z][^“]*) against “[^”]+”: from (?P<low>[^“]+) under “(?P<first>[^”]+)” to (?P<high>[^“]+) "
    rf"under “(?P<last>[^”]+)”(?: shown)? {HOW}"
)
def _range(r: Reader, m: re.Match[str]) -> None:
    values, factor = seen(r, m["thing"])
    finite = {arm: value for arm, value in values.items() if math.isfinite(value)}
    first, last = r.arm(m["first"]), r.arm(m["last"])
    assert finite[first] == min(finite.values())
    assert finite[last] == max(finite.values())
    assert is_about(m["low"], finite[first], factor)
    assert is_about(m["high"], finite[last], factor)
    how_is_right(r, m["how"])


@pattern(rf"(?P<thing>[A-Z][^“]*) against “[^”]+”: (?:“(?P<one>[^”]+)”|all arms(?: shown)?) (?P<far>[^“]+) {HOW}")
def _alike(r: Reader, m: re.Match[str]) -> None:
    values, factor = seen(r, m["thing"])
    finite = {arm: value for arm, value in values.items() if math.isfinite(value)}
    assert not m["one"] or list(finite) == [r.arm(m["one"])]
    assert all(is_about(m["far"], value, factor) for value in finite.values())
    how_is_right(r, m["how"])


@pattern(rf"(?P<thing>[A-Z][^“]*) is the same in all arms(?: shown)? {HOW}")
def _same(r: Reader, m: re.Match[str]) -> None:
    values, _ = seen(r, m["thing"])
    assert not np.nan_to_num(list(values.values())).any()


@pattern(r"(?P<thing>[A-Z][^“]*), arm by arm")
def _unknown(r: Reader, m: re.Match[str]) -> None:
    assert not np.isfinite(list(seen(r, m["thing"])[0].values())).any()


# ---- the other titles of several arms


@pattern(r"What each arm changes against “[^”]+” \(one seed\)|Nothing differs from “[^”]+”")
def _forest_none(r: Reader, m: re.Match[str]) -> None:
    if "one seed" in m[0]:
        assert r.seeds == 1
    else:
        values = [r.truth.value(arm, kpi) for arm in r.truth.arms for kpi in ("retention", "npv", "value")]
        assert not np.nan_to_num(values).any()


def worth(r: Reader) -> tuple[str, str]:
    """The figure of money that a title speaks of, and its noun."""
    known = any(math.isfinite(r.truth.value(arm, "value")) for arm in r.truth.arms)
    return ("value", "value") if known else ("npv", "net present value")


@pattern(
    rf"{ARM} (?P<first>keeps|does not keep) clearly more customers; "
    r"it (?P<last>raises|lowers|does not change) (?P<noun>value|net present value) clearly"
)
def _forest_one(r: Reader, m: re.Match[str]) -> None:
    (arm,) = r.truth.arms
    kpi, noun = worth(r)
    assert r.arm(m["arm"]) == arm
    assert m["noun"] == noun
    assert (m["first"] == "keeps") == (r.truth.sure(arm, "retention") > 0)
    assert {"raises": 1, "lowers": -1, "does not change": 0}[m["last"]] == r.truth.sure(arm, kpi)


@pattern(
    r"(?P<kept>No arm keeps|One arm keeps|All \d+ arms keep|\d+ of \d+ arms keep) clearly more customers; "
    r"(?P<up>none|one|\d+) raises? (?P<noun>value|net present value) clearly, (?P<down>none|one|\d+) lowers? it"
)
def _forest_many(r: Reader, m: re.Match[str]) -> None:
    words = {"none": 0, "one": 1, "No": 0, "One": 1}
    kpi, noun = worth(r)
    assert m["noun"] == noun
    kept = [r.truth.sure(arm, "retention") for arm in r.truth.arms].count(1)
    said = m["kept"].split()
    assert (words[said[0]] if said[0] in words else int(said[0] if said[0] != "All" else said[1])) == kept
    for side, text in ((1, m["up"]), (-1, m["down"])):
        count = [r.truth.sure(arm, kpi) for arm in r.truth.arms].count(side)
        assert (words[text] if text in words else int(text)) == count


@pattern(
    r"No arm pays in any of (?P<all>\d+) worlds|"
    r"(?P<who>“.+”) pays? most often: (?:each )?in (?P<often>every one|\d+) of (?P<of>\d+) worlds"
)
def _worth_by_world(r: Reader, m: re.Match[str]) -> None:
    table = r.run.beliefs.set_index("arm")
    pays = table["pays_in"].iloc[1:]
    worlds = int(table["worlds"].iloc[0])
    assert int(m["all"] or m["of"]) == worlds
    if m["all"]:
        assert pays.max() == 0
    else:
        told = {r.arm(name) for name in re.findall(r"“([^”]+)”", m["who"])}
        assert told == set(pays.index[pays == pays.max()])
        assert (worlds if m["often"] == "every one" else int(m["often"])) == pays.max()


STEP = r"(?P<{0}>[a-z ]+) \((?P<{0}_by>[^()]+)\)"


@pattern(
    rf"(?P<whole>Value|Cash) differs most under {ARM}, by (?P<by>{NUMBER}): "
    rf"(?:raised most by {STEP.format('up')})?(?:, )?(?:lowered most by {STEP.format('down')})? {HOW}"
)
def _waterfall(r: Reader, m: re.Match[str]) -> None:
    from sim.measures.waterfall import STEPS, waterfall

    table = waterfall(r.run)
    table = table[table["arm"].isin(r.shown)]
    whole = table.groupby("arm")["difference"].sum(skipna=False)
    arm = r.arm(m["arm"])
    assert abs(whole[arm]) == whole.abs().max()
    assert is_about(m["by"], whole[arm])
    own = table[table["arm"] == arm].set_index("step")["difference"]
    assert (m["whole"] == "Value") == ("equity" in own.index)
    for said, by, value, step in (
        (m["up"], m["up_by"], own.max(), own.idxmax()),
        (m["down"], m["down_by"], own.min(), own.idxmin()),
    ):
        if said:
            assert said == STEPS[step]
            assert is_about(by, value)
    how_is_right(r, m["how"])


@pattern(r"From where to where (?:value|cash) comes")
def _no_waterfall(r: Reader, m: re.Match[str]) -> None:
    from sim.measures.waterfall import waterfall

    assert not np.nan_to_num(waterfall(r.run).groupby("arm")["difference"].sum()).any()


def listed(r: Reader, text: str) -> list[str]:
    return [r.arm(name) for name in re.findall("“([^”]+)”", text)]


@pattern(
    rf"Attrition ends lowest under (?P<names>.+?): (?P<far>{NUMBER} points~?)(?:; its profit goes from "
    rf"(?P<start>.+) in the first year to (?P<end>.+) in the last)? against “[^”]+” {HOW}"
)
def _paths(r: Reader, m: re.Match[str]) -> None:
    window = min(12, r.months)
    flows = [r.total(name, slice(-window, None)) for name in ("closed", "closed_dormant", "went_dormant")]
    rates = (flows[0] - flows[1] + flows[2]) / (r.total("active", slice(-window - 1, -1)) / 12)
    gaps = r.apart(rates)
    least = min(value for value in gaps.values() if math.isfinite(value))
    assert all(gaps[arm] <= least + 1e-9 * abs(least) for arm in listed(r, m["names"]))
    assert is_about(m["far"], least, 100.0)
    if m["start"]:
        (arm,) = listed(r, m["names"])
        for text, months in ((m["start"], slice(1, 1 + window)), (m["end"], slice(-window, None))):
            assert is_about(text, r.apart(r.total("profit", months) * 12 / window)[arm]), m[0]
    how_is_right(r, m["how"])


@pattern(r"How the arms part from “[^”]+”")
def _paths_none(r: Reader, m: re.Match[str]) -> None:
    assert not np.nan_to_num([r.truth.value(arm, "attrition_annual") for arm in r.truth.arms]).any()


def plane(r: Reader) -> tuple[list[str], list[str]]:
    """Arms that no other arm and no mix of two beats by the means, and the others."""
    cost = {r.arms[0]: 0.0, **{arm: r.truth.value(arm, "cost_discounted") for arm in r.truth.arms}}
    kept = {r.arms[0]: 0.0, **{arm: r.truth.value(arm, "retention") for arm in r.truth.arms}}
    known = [arm for arm in r.arms if math.isfinite(cost[arm]) and math.isfinite(kept[arm])]

    def beaten(arm: str) -> bool:
        x, y = cost[arm], kept[arm]
        if any(o != arm and cost[o] <= x and kept[o] >= y and (cost[o], -kept[o]) != (x, -y) for o in known):
            return True
        if any(cost[o] == x and kept[o] == y and known.index(o) < known.index(arm) for o in known if o != arm):
            return True
        return any(
            cost[a] < x < cost[b] and kept[a] + (kept[b] - kept[a]) * (x - cost[a]) / (cost[b] - cost[a]) >= y
            for a in known
            for b in known
            if arm not in (a, b)
        )

    on = [arm for arm in known if arm != r.arms[0] and not beaten(arm)]
    return on, [arm for arm in r.truth.arms if arm not in on]


@pattern(
    r"By the means (?P<who>no arm|\d+ arms|“.+”) keeps? (?:more customers than “[^”]+”|the most customers for "
    r"(?:its|their) cost)(?:; (?P<off>\d+) others? keeps? fewer than the money could)?"
)
def _plane(r: Reader, m: re.Match[str]) -> None:
    on, off = plane(r)
    if m["who"] == "no arm":
        assert not on
        return
    said = listed(r, m["who"])
    assert set(said) == set(on) if said else m["who"] == f"{len(on)} arms"
    assert int(m["off"] or 0) == len(off)


@pattern(rf"Attrition differs most in (?P<tier>.+) under {ARM}: (?P<far>{NUMBER}) points a year(?P<mark>~?) {HOW}")
def _map(r: Reader, m: re.Match[str]) -> None:
    tiers = {str(tier).replace("_", " "): str(tier) for tier in r.run.monthly["tier"].unique()}
    gaps = {
        (arm, tier): r.truth.value(arm, f"attrition_annual[{tier}]") for arm in r.truth.arms for tier in tiers.values()
    }
    most = max(abs(value) for value in gaps.values() if math.isfinite(value))
    value = gaps[r.arm(m["arm"]), tiers[m["tier"]]]
    assert abs(value) == most
    assert is_about(m["far"], value, 100.0)
    assert m["mark"] == r.mark_of_gap(r.arm(m["arm"]), tiers[m["tier"]])


@pattern(r"What arms do by tier")
def _map_none(r: Reader, m: re.Match[str]) -> None:
    assert not any(
        abs(row.difference) > 0
        for (_, kpi), row in r.truth.rows.items()
        if kpi.startswith("attrition_annual[") and kpi != "attrition_annual[aum]"
    )


ACTIVE = ("kept", "upgraded", "downgraded", "opted_out")


def saved(r: Reader, by: str | None = None) -> pd.DataFrame:
    """Saved and lost per 10,000 customers of month 0, by arm (and group): means over seeds."""
    table = r.run.individuals
    keys = ["arm", "seed", *([by] if by else [])]
    now, then = table["fate"].isin(ACTIVE), table["reference_fate"].isin(ACTIVE)
    base = table.groupby(keys)["customers"].sum()
    parts = {
        name: table[rows].groupby(keys)["customers"].sum().reindex(base.index, fill_value=0.0) / base * 1e4
        for name, rows in (("here", now & ~then), ("there", then & ~now))
    }
    found = pd.DataFrame(parts).groupby(level=[0] + ([2] if by else [])).mean()
    return found.assign(net=found["here"] - found["there"])


@pattern(
    rf"Of 10,000 customers {ARM} saves (?P<here>[\d,.]+) and loses (?P<there>[\d,.]+)~?"
    rf"(?P<most>, the highest net of all arms)? {HOW}"
)
def _fates(r: Reader, m: re.Match[str]) -> None:
    table = saved(r).loc[r.truth.arms]
    row = table.loc[r.arm(m["arm"])]
    assert row["net"] == table["net"].max()
    assert is_about(m["here"], row["here"])
    assert is_about(m["there"], row["there"])
    how_is_right(r, m["how"])


@pattern(rf"Net customers saved are highest under (?P<names>.+) {HOW}")
def _fates_tie(r: Reader, m: re.Match[str]) -> None:
    nets = saved(r).loc[r.truth.arms, "net"]
    assert all(nets[arm] == nets.max() for arm in listed(r, m["names"]))


@pattern(
    rf"{ARM}, net saved per 10,000: highest among (?P<top>.+) \((?P<most>{NUMBER})\), lowest among (?P<bottom>.+) "
    rf"\((?P<least>{NUMBER})\) {HOW}"
)
def _groups(r: Reader, m: re.Match[str]) -> None:
    arm = r.arm(m["arm"])
    nets = pd.concat([saved(r, by).loc[arm, "net"] for by in ("tier", "age_band", "affinity", "uplift_class")])
    assert saved(r).loc[arm, "net"] == pytest.approx(saved(r).loc[r.truth.arms, "net"].max())
    assert is_about(m["most"], nets.max())
    assert is_about(m["least"], nets.min())


@pattern(
    r"Strategies cost (?P<most>most )?under (?P<names>.+?): (?P<cost>CNY [^,]+) a year"
    r"(?:, (?P<first>.+) in the first)?"
)
def _strategies(r: Reader, m: re.Match[str]) -> None:
    years = max(r.months // 12, 1)
    months = slice(1, 1 + (years * 12 if r.months >= 12 else r.months))
    costs = r.total("strategy_cost", months).mean(axis=1) / years
    for arm in listed(r, m["names"]):
        assert costs[arm] >= costs.max() * (1 - 1e-6)
        assert is_about(m["cost"], costs[arm])


@pattern(
    r"Strategies need (?P<low>\d+) to (?P<high>\d+) months from their start to be half mature|How far each "
    r"strategy has matured|Strategies are half mature (?P<only>\d+) months after their start"
)
def _maturity(r: Reader, m: re.Match[str]) -> None:
    needed = set()
    for column in (name for name in r.run.bank if str(name).startswith("maturity[")):
        for _, curve in r.run.bank.groupby(["arm", "month"])[column].mean().groupby(level=0):
            if curve.max() >= 0.5:
                needed.add(int(np.argmax(curve.to_numpy() >= 0.5) - np.argmax(curve.to_numpy() > 0) + 1))
    said = {int(text) for text in (m["low"], m["high"], m["only"]) if text}
    assert said == ({min(needed), max(needed)} if needed else set())


@pattern(
    r"Of what the bundle does to (?P<thing>.+?), (?P<whole>.+), the largest share is that of (?P<names>“.+”|\d+ "
    rf"arms): (?P<part>{NUMBER}) {HOW}"
)
def _attribution(r: Reader, m: re.Match[str]) -> None:
    table = r.run.attribution
    own = table[table["kpi"] == table["kpi"].iloc[0]].set_index("member")
    factor = 100.0 if own["unit"].iloc[0] == "per year" else 1.0
    for name in re.findall("“([^”]+)”", m["names"]):
        value = float(own.loc[name.replace(" ", "_"), "value"])
        assert abs(value) == own["value"].abs().max()
        assert is_about(m["part"], value, factor)


@pattern(r"In their first three months active customers go (?P<times>[\d.]+)~? times as fast as after two years.*")
def _tenure(r: Reader, m: re.Match[str]) -> None:
    table = r.run.cohorts[r.run.cohorts["arm"] == r.arms[0]]
    gone = table.assign(gone=table["closed"] + table["dormant"])
    rate = lambda rows: rows.groupby("seed")["gone"].sum() / rows.groupby("seed")["at_risk"].sum()  # noqa: E731
    early = rate(gone[gone["tenure_month"] < 3])
    late = rate(gone[(gone["tenure_month"] >= 24) & (gone["tenure_month"] < 60)])
    assert is_about(m["times"], float((early / late).mean()))


@pattern(
    r"The largest move in a year: (?P<share>[\d.]+) %~? of (?P<from>.+) customers "
    r"(?P<to>go dormant|close|move to .+)"
)
def _move(r: Reader, m: re.Match[str]) -> None:
    table = r.run.transitions
    table = table[(table["arm"] == r.arms[0]) & (table["year"] <= r.months // 12)]
    sums = table.groupby(["from", "to"])["customers"].sum().unstack(fill_value=0.0)
    shares = sums.div(sums.sum(axis=1), axis=0).drop(index=["dormant", "new"], errors="ignore")
    largest = max(float(shares.loc[a, b]) for a in shares.index for b in shares.columns if a != b)
    assert is_about(m["share"], largest, 100.0)


@pattern(r"Where customers are a year later|How fast active customers leave or fall silent, by tenure")
def _nothing_said(r: Reader, m: re.Match[str]) -> None:
    """A heading without a claim."""
