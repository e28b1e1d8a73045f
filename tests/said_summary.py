"""What the summary in front of a report says, with its checks."""

from __future__ import annotations

import re

from said import ARM, Reader, is_about, p_is, pattern

WORTH = r"(?P<worth>CNY \S+(?: \w+)?)(?: \(± .+\))?"
PAYS = ("pays within the horizon", "pays later")


def best(r: Reader) -> str:
    """The arm that the summary speaks of: of those that pay, else of all, the one whose difference decides best."""
    assert r.truth is not None
    truth = r.truth
    return max(truth.arms, key=lambda arm: (truth.word(arm) in PAYS, truth.value(arm, truth.decides(arm))))


@pattern(rf"{ARM} is worth most: {WORTH} against “(?P<ref>[^”]+)”; it (?P<word>pays .+)\.")
@pattern(rf"The nearest is {ARM}, {WORTH} against “(?P<ref>[^”]+)”: (?P<word>.+)\.")
def _best(r: Reader, m: re.Match[str]) -> None:
    arm = r.arm(m["arm"])
    assert arm == best(r)
    word = r.truth.word(arm)
    assert m["word"].removesuffix(" only") == word
    assert (word in PAYS) == ("worth most" in m[0])
    assert is_about(m["worth"].removeprefix("CNY "), r.truth.value(arm, r.truth.decides(arm)))


@pattern(r"No arm pays for sure\.")
def _none(r: Reader, m: re.Match[str]) -> None:
    assert not any(r.truth.word(arm) in PAYS for arm in r.truth.arms)


@pattern(r"Of (?P<whole>\d+) arms that were compared, (?P<pays>\d+) surely pay\.")
def _count(r: Reader, m: re.Match[str]) -> None:
    words = [r.truth.word(arm) for arm in r.truth.arms]
    assert (int(m["whole"]), int(m["pays"])) == (len(words), sum(word in PAYS for word in words))


@pattern(r"As to luck: (?P<how>clear|not clear) over (?P<seeds>\d+) seeds \(p (?P<p>.+), corrected .+\)\.")
def _luck(r: Reader, m: re.Match[str]) -> None:
    arm = best(r)
    decides = r.truth.decides(arm)
    assert (m["how"] == "clear") == bool(r.truth.sure(arm, decides))
    assert int(m["seeds"]) == r.seeds
    p_is(m["p"], r.truth.p(arm, decides))


@pattern(rf"Run (?P<more>\d+) more seeds \(--seeds (?P<all>\d+)\); they would tell whether {ARM} pays against “.+”\.")
def _more(r: Reader, m: re.Match[str]) -> None:
    assert int(m["more"]) == r.truth.more_seeds(r.arm(m["arm"])) == int(m["all"]) - r.seeds


@pattern(rf"Leave things as they are .+ change what {ARM} does: it would take (?P<more>[\d,]+) more seeds or more .+\.")
def _alike(r: Reader, m: re.Match[str]) -> None:
    more = r.truth.more_seeds(r.arm(m["arm"])) if r.truth.word(r.arm(m["arm"])) == "not clear" else None
    assert int(m["more"].replace(",", "")) == (more or 1000)


@pattern(rf"Before {ARM} is begun, try it under other beliefs: .+\.")
@pattern(rf"Take {ARM} further: .+\.")
@pattern(rf"Do not begin {ARM} everywhere yet: .+\.")
def _pays(r: Reader, m: re.Match[str]) -> None:
    assert r.arm(m["arm"]) == best(r)
    assert r.truth.word(best(r)) in PAYS


@pattern(r"Stay with “.+”: every arm that was compared surely costs more than it brings\.")
def _stay(r: Reader, m: re.Match[str]) -> None:
    assert all(r.truth.word(arm) == "does not pay" for arm in r.truth.arms)


@pattern(rf"Run more seeds of {ARM} and “.+” \(--seeds 10\): .+")
def _one_seed(r: Reader, m: re.Match[str]) -> None:
    assert r.seeds == 1


@pattern(r"Ask it by adding `beliefs: \{worlds: 64\}` to the scenario\.")
def _ask(r: Reader, m: re.Match[str]) -> None:
    pass


@pattern(
    r"As to beliefs: this run did not vary its assumptions, .+|As to luck: means over \d+ seeds, with 95 % intervals\."
)
@pattern(r"Money: k thousand, m million, bn billion, tn trillion\.|The weakest evidence: .+")
@pattern(r"This run does not say which assumption is worth most to know\.|Which of \d+ arms pays, held against .+\?")
@pattern(r"What becomes of this bank\?")
def _of_the_kind(r: Reader, m: re.Match[str]) -> None:
    """What is true of every run of its kind."""


@pattern(r"As to luck: there is one seed, so chance is not ruled out\.")
def _chance(r: Reader, m: re.Match[str]) -> None:
    assert r.seeds == 1
