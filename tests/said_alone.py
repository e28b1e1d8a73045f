"""What is said of the reference, and of an arm that is alone, with its checks."""

from __future__ import annotations

import re

from said import Reader, is_about, pattern

from sim.measures.evidence import customers_per_row

# ---- under the reference, and one arm alone


@pattern(
    r"Over .+, the bank.* loses (?P<rate>[\d.]+) %(?P<mark>~?)(?: \(95 % interval (?P<low>\S+) to "
    r"(?P<high>\S+)\))?"
    r" of its active customers a year: (?P<shut>[\d.]+) %~? close, (?P<quiet>[\d.]+) %~? go dormant "
    r"without a word(?:; (?P<back>[\d.]+) %~?(?: \(95 % interval .+\))? come back from dormancy)?\."
)
def _loses(r: Reader, m: re.Match[str]) -> None:
    row = r.levels[r.arms[0], "attrition_annual"]
    assert is_about(m["rate"], row.mean, 100.0)
    assert m["mark"] == r.mark(r.arms[0])
    assert not m["low"] or (is_about(m["low"], row.ci_low, 100.0) and is_about(m["high"], row.ci_high, 100.0))
    assert abs(float(m["shut"]) + float(m["quiet"]) - row.mean * 100) < 0.11
    assert not m["back"] or is_about(m["back"], r.levels[r.arms[0], "returns_annual"].mean, 100.0)


@pattern(
    r"Of its active customers of month 0 the bank.* has (?P<kept>[\d.]+) %(?P<mark>~?)"
    r"(?: \(95 % interval .+? to .+?\))? at the end"
    r"(?:, with (?P<money>[\d.]+) %~?(?: \(95 % interval .+\))? of what they held then)?\."
)
def _keeps(r: Reader, m: re.Match[str]) -> None:
    assert is_about(m["kept"], r.levels[r.arms[0], "retention"].mean, 100.0)
    assert m["mark"] == r.mark_of_kept(r.arms[0])
    assert not m["money"] or is_about(m["money"], r.levels[r.arms[0], "retention[aum]"].mean, 100.0)


@pattern(
    r"Customers go from (?P<c0>.+?) to (?P<c1>.+?) \((?P<grown>[+-][\d.]+) %(?:, .+? a year)?\); AUM goes from "
    r"(?P<a0>.+?) to (?P<a1>.+?) \(.+?\)(?:, with net new money of (?P<new>CNY [+-]?[\d.,]+(?: \w+)?)"
    r"(?: \(.+\))? a year)?\."
)
def _growth(r: Reader, m: re.Match[str]) -> None:
    at = [r.total("customers", month).loc[r.arms[0]].mean() for month in (0, -1)]
    money = [r.total("aum", month).loc[r.arms[0]].mean() for month in (0, -1)]
    for text, value in zip((m["c0"], m["c1"], m["a0"], m["a1"]), (*at, *money), strict=True):
        assert is_about(text, value)
    assert is_about(m["grown"], at[1] / at[0] - 1, 100.0)
    assert not m["new"] or is_about(m["new"], r.levels[r.arms[0], "net_new_money_annual"].mean)


@pattern(
    r"Profit is (?P<profit>CNY [+-]?[\d.,]+(?: \w+)?)(?: \(95 % interval .+ to .+\))? a year on revenue of "
    r"(?P<revenue>.+) and cost of (?P<cost>.+)\."
)
def _earns(r: Reader, m: re.Match[str]) -> None:
    for name in ("profit", "revenue", "cost"):
        assert is_about(m[name], r.levels[r.arms[0], f"{name}_annual"].mean)


@pattern(r"The net promoter score ends at (?P<nps>[+-]?[\d.]+)(?: \(.+\))?\.")
def _nps(r: Reader, m: re.Match[str]) -> None:
    assert is_about(m["nps"], r.levels[r.arms[0], "nps"].mean)


@pattern(
    r"(?:(?P<begun>[\d,]+) customers before the burn-in, )?(?P<size>[\d,]+) customers at month 0(?: after it)?, "
    r"in \d+ tiers; \d+ months(?: after \d+ of burn-in)?, (?:one arm|\d+ arms), "
    r"(?:one seed|\d+ seeds)\."
)
def _setting(r: Reader, m: re.Match[str]) -> None:
    assert is_about(m["size"], r.total("customers", 0).loc[r.arms[0]].mean())
    if m["begun"]:
        assert f"customers: {m['begun'].replace(',', '')}" in r.run.scenario_text


@pattern(
    r"(?P<rate>[\d.]+) %~? of active customers (?:left or fell silent in the last 12 months|leave or fall silent "
    r"in a year)(?:: (?P<most>[\d.]+) %~? in (?P<top>.+), (?P<least>[\d.]+) %~? in (?P<bottom>.+))?"
)
def _one_attrition(r: Reader, m: re.Match[str]) -> None:
    window = slice(-min(12, r.months), None)

    def rate(tier: str | None) -> float:
        lost = (
            r.total("closed", window, tier)
            - r.total("closed_dormant", window, tier)
            + r.total("went_dormant", window, tier)
        )
        lived = r.total("active", slice(-min(12, r.months) - 1, -1), tier) / 12
        return float((lost / lived).mean(axis=1).iloc[0])

    assert is_about(m["rate"], rate(None), 100.0)
    for text, tier in ((m["most"], m["top"]), (m["least"], m["bottom"])):
        assert not tier or is_about(text, rate(tier), 100.0)


@pattern(
    r"(?P<joined>.+) join, (?P<shut>.+) close and (?P<quiet>.+) go dormant (?:a year|in .+); active customers "
    r"(?P<grown>[+-]?[\d.]+) % over .+"
)
def _one_flows(r: Reader, m: re.Match[str]) -> None:
    years = r.months // 12
    months = slice(1, 1 + (years * 12 if years else r.months))
    for text, column in ((m["joined"], "joined"), (m["shut"], "closed"), (m["quiet"], "went_dormant")):
        assert is_about(text, r.total(column, months).mean(axis=1).iloc[0] / max(years, 1))
    active = [r.total("active", month) for month in (0, -1)]
    assert is_about(m["grown"], float((active[1] / active[0] - 1).mean(axis=1).iloc[0]), 100.0)


@pattern(
    r"(?P<who>.+): (?P<heads>[\d.]+) % of customers, (?P<held>[\d.]+) % of AUM; customers of (?P<tier>.+) "
    r"(?P<change>[+-]?[\d.]+) % over .+"
)
def _one_pyramid(r: Reader, m: re.Match[str]) -> None:
    tiers = [str(tier) for tier in r.run.monthly["tier"].unique()]
    upper = tiers[len(tiers) // 2 :] if len(tiers) > 2 else tiers[-1:]
    for column, text in (("customers", m["heads"]), ("aum", m["held"])):
        whole = r.total(column, -1)
        shares = [float((r.total(column, -1, tier) / whole).mean(axis=1).iloc[0]) for tier in upper]
        assert is_about(text, sum(shares), 100.0)
    ends, starts = r.total("customers", -1, m["tier"]), r.total("customers", 0, m["tier"])
    assert is_about(m["change"], float((ends / starts).mean(axis=1).iloc[0]) - 1, 100.0)


@pattern(
    r"AUM (?P<start>CNY .+?) to (?P<end>.+?) \((?P<grown>[+-][\d.]+) %\) over .+?(?:: (?P<new>.+) of net new "
    r"money, (?P<market>.+) from growth)?"
)
def _one_aum(r: Reader, m: re.Match[str]) -> None:
    start, end = (r.total("aum", month).mean(axis=1).iloc[0] for month in (0, -1))
    assert is_about(m["start"], start)
    assert is_about(m["end"], end)
    assert is_about(m["grown"], end / start - 1, 100.0)
    if m["new"]:
        for text, column in ((m["new"], "net_new_money"), (m["market"], "market_effect")):
            assert is_about(text, r.total(column, slice(1, None)).mean(axis=1).iloc[0])


@pattern(
    r"Profit of (?P<profit>CNY .+?)(?: a year)? on revenue of (?P<revenue>.+?)(?: in the last year)?; "
    r"(?P<item>.+) cost most"
)
def _one_economics(r: Reader, m: re.Match[str]) -> None:
    window = min(12, r.months)
    for name in ("profit", "revenue"):
        assert is_about(m[name], r.total(name, slice(-window, None)).mean(axis=1).iloc[0] * 12 / window)
    from sim.reporting.figures.money import COARSE_COSTS, COSTS

    items = COSTS if set(COSTS) <= set(r.run.bank) else COARSE_COSTS
    table = r.run.bank if items is COSTS else r.run.monthly
    sums = {name: table[column].sum() for column, (name, _) in items.items()}
    assert sums[m["item"]] == max(sums.values())


@pattern(
    r"(?P<rate>[\d.]+) contacts a month per 1,000 customers(?:, most by (?P<channel>\w+))?(?:; managers are busy "
    r"(?P<busy>\d+) % of their client hours)?"
)
def _one_contacts(r: Reader, m: re.Match[str]) -> None:
    window = min(12, r.months)
    there = r.total("customers", slice(-window - 1, -1))
    by = {
        channel: float((r.total(f"contacts_{channel}", slice(-window, None)) / there).mean(axis=1).iloc[0]) * 1000
        for channel in ("branch", "phone", "video", "messaging", "app")
    }
    assert is_about(m["rate"], sum(by.values()))
    assert not m["channel"] or by[m["channel"]] == max(by.values())


@pattern(
    r"NPS (?:stays at|goes from (?P<first>[+-]?[\d.]+) to) (?P<last>[+-]?[\d.]+)(?:; mean satisfaction is highest "
    r"in (?P<best>.+), lowest in (?P<worst>.+))?"
)
def _one_nps(r: Reader, m: re.Match[str]) -> None:
    score = r.run.bank.groupby("month")["nps"].mean()
    assert is_about(m["last"], score.iloc[-1])
    assert not m["first"] or is_about(m["first"], score.iloc[0])
    if m["best"]:
        feeling = r.run.monthly[r.run.monthly["month"] == r.months].groupby("tier")["satisfaction"].mean()
        assert feeling[m["best"]] == feeling.max()
        assert feeling[m["worst"]] == feeling.min()


FLOWS = ("closed", "went_dormant", "upgraded", "downgraded", "complaints")


@pattern(
    r"~ rests on fewer than 30 events \(customers who left or moved, complaints and the like\), all seeds "
    r"together: a rough figure(?P<gaps>; a difference is as rough as the rougher of its two)?\.?"
)
def _few(r: Reader, m: re.Match[str]) -> None:
    """It stands only where something is marked, and speaks of differences only where there are some."""
    table = r.run.monthly[r.run.monthly["month"] > 0]
    sums = [table.groupby(["arm", "tier"])[one].sum().min() for one in FLOWS]
    assert min(sums) < 30 * max(customers_per_row(r.run))
    assert not m["gaps"] or len(r.arms) > 1


@pattern(r"\^ no (?P<tiers>.+) customer was seen to leave(?: in \d+ of \d+ seeds)?: .+")
def _endless(r: Reader, m: re.Match[str]) -> None:
    table = r.run.monthly[r.run.monthly["month"] > 0].assign(
        left=lambda one: one["closed"] - one["closed_dormant"] + one["went_dormant"]
    )
    left = table.groupby(["arm", "seed", "tier"])["left"].sum().groupby(level="tier").min()
    assert all(left[tier] == 0 for tier in m["tiers"].split(" and no ") if tier != "dormant")
