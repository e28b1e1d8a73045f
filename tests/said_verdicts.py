"""What the decision page says of an arm, with its checks."""

from __future__ import annotations

import math
import re

from said import ARM, NUMBER, Reader, is_about, p_is, pattern, plain

# ---- the decision page


@pattern(r"Of (?P<whole>\d+) arms (?P<parts>.+)\.")
def _overview(r: Reader, m: re.Match[str]) -> None:
    words = [r.truth.word(arm) for arm in r.truth.arms]
    assert int(m["whole"]) == len(words)
    plural = {
        "pay within the horizon": "pays within the horizon",
        "pay later": "pays later",
        "do not pay": "does not pay",
        "are not clear": "not clear",
        "is not clear": "not clear",
        "make no difference": "no difference",
        "makes no difference": "no difference",
    }
    said = {
        plural.get(what, what): int(count) for count, what in (part.split(" ", 1) for part in m["parts"].split(", "))
    }
    assert said == {word: words.count(word) for word in words if word != "one seed"}


VERDICT = re.compile(
    rf"{ARM} (?:has nothing to compare|(?:(?P<customers>keeps|loses)(?P<rest> .+?))?(?: and )?"
    r"(?P<profit>(?:raises|lowers|changes) profit by .+?)?)(?:; value (?P<value>CNY .+?))?"
    r"(?:[,;] (?:of it cash|cash NPV) (?P<npv>CNY .+?))?"
    r"(?P<chance> \(one seed: chance is not ruled out\))?\. (?P<word>[A-Z].+)\."
)


def verdict(r: Reader, text: str, look: str, detail: str) -> str:
    """An item of the list of verdicts: its sentence, its word, its look; returns the arm."""
    m = VERDICT.fullmatch(plain(text))
    assert m, text
    arm, word = r.arm(m["arm"]), r.truth.word(r.arm(m["arm"]))
    said, _, more = m["word"].partition(": ")
    assert said[0].lower() + said[1:] == word
    assert look == {"pays within the horizon": "good", "pays later": "good", "does not pay": "bad"}.get(word, "open")
    if word == "not clear":
        wanted, found = r.truth.more_seeds(arm), re.search(r"about ([\d,]+) more seeds? would tell", more)
        assert (int(found[1].replace(",", "")) if found else None) == wanted, (text, wanted)
    if m["customers"]:
        _kept(r, arm, m["customers"] + m["rest"])
    if m["profit"]:
        _profit(r, arm, m["profit"])
    for kpi in ("npv", "value"):
        assert bool(m[kpi]) == math.isfinite(r.truth.value(arm, kpi)), text
        if m[kpi]:
            assert is_about(re.match(NUMBER, m[kpi])[0], r.truth.value(arm, kpi))
    _detail(r, arm, plain(detail))
    r.read += 1
    return arm


def _kept(r: Reader, arm: str, text: str) -> None:
    kpi = "retention"
    low, high = r.truth.ends(arm, kpi)
    assert ("~" in text) == bool(r.mark_of_kept(arm)), text
    if text.startswith("keeps as many"):
        assert r.truth.value(arm, kpi) == 0
        return
    unclear = (
        r"keeps no clear number of customers more or fewer \((.+) to (.+) of 100,000 customers to the end, p (.+)\)"
    )
    c = re.fullmatch(unclear, text)
    if c:
        assert not r.truth.sure(arm, kpi)
        assert is_about(c[1], 1e5 * low)
        assert is_about(c[2], 1e5 * high)
        p_is(c[3], r.truth.p(arm, kpi))
        return
    c = re.fullmatch(r"(keeps|loses) ([\d,]+~?) more of 100,000 customers to the end( \(95 % interval .+\))?", text)
    assert c, text
    assert is_about(c[2], 1e5 * abs(r.truth.value(arm, kpi)))
    side = 1 if c[1] == "keeps" else -1
    assert side * r.truth.value(arm, kpi) > 0
    assert r.truth.sure(arm, kpi) == (side if c[3] else 0)
    assert c[3] or math.isnan(low)  # only one seed goes without an interval, and says so


def _profit(r: Reader, arm: str, text: str) -> None:
    kpi = "profit_annual"
    c = re.fullmatch(r"(raises|lowers) profit by (.+) a year", text)
    if c:
        side = 1 if c[1] == "raises" else -1
        assert r.truth.sure(arm, kpi) == side or (math.isnan(r.truth.ends(arm, kpi)[0]) and not r.truth.sure(arm, kpi))
        assert is_about(c[2], side * r.truth.value(arm, kpi))
        return
    c = re.fullmatch(r"changes profit by no clear amount \(.+ a year, p (.+)\)", text)
    assert c, text
    assert not r.truth.sure(arm, kpi)
    p_is(c[1], r.truth.p(arm, kpi))


DETAILS = {"customers at the end": "customers_end", "AUM at the end": "aum_end", "NPS": "nps"}


def _detail(r: Reader, arm: str, text: str) -> None:
    said = {}
    for part in (
        re.split(r"(?<=\.) (?=Also|Not clear:|In this one seed:|Mean over seeds:|With one seed:)", text) if text else []
    ):
        head = re.match(r"Also |Not clear: |In this one seed: |Mean over seeds: |With one seed: ", part)
        assert head, f"a sentence that nobody checks: {part!r}"
        if head[0].startswith(("Mean", "With")):
            for one in part[len(head[0]) :].rstrip(".").split("; "):
                c = re.fullmatch(r"cost per customer retained (CNY .+)", one)
                if c:
                    assert r.truth.sure(arm, "retention") > 0
                    assert is_about(c[1], r.levels[arm, "cost_per_saved_customer"].mean)
                    continue
                each = r"every CNY 1 that it costs more changes value by (.+), that cost included"
                c = re.fullmatch(each, one)
                assert c, one
                assert is_about(c[1], r.levels[arm, "roi"].mean)
            continue
        for one in re.split(r", (?=customers|AUM|NPS)| and (?=customers|AUM|NPS)", part[len(head[0]) :].rstrip(".")):
            c = re.fullmatch(rf"({'|'.join(DETAILS)}) ({NUMBER})(?: points)?(?: \(.+ to .+\))?", one)
            assert c, one
            kpi = DETAILS[c[1]]
            assert is_about(c[2], r.truth.value(arm, kpi)), (one, r.truth.value(arm, kpi))
            said[kpi] = head[0].strip(": ")
    for kpi in DETAILS.values():
        row = r.truth.rows.get((arm, kpi))
        if row is None or math.isnan(row.difference) or abs(row.difference) < 1e-6 * abs(r.levels[arm, kpi].mean):
            continue
        wanted = "Also" if r.truth.sure(arm, kpi) else "Not clear" if row.ci_high > row.ci_low else "In this one seed"
        assert said.get(kpi) == wanted, (arm, kpi, text)
