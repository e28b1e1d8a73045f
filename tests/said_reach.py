"""Sentences and titles about wishes for a contact, and the chains of arms, each with its check."""

from __future__ import annotations

import re
from typing import Any

from said import ARM, Reader, is_about, pattern

KINDS = {
    "contacts that {} asked of managers": ("offer", "retention", "lead"),
    "regular contacts that managers owed under {}": ("due",),
    "contacts that campaigns under {} aimed at": ("campaign", "campaign_retention", "win_back"),
}
ENDS = {
    "opted out": "opted_out",
    "at the pressure cap": "pressure",
    "no manager hour": "no_hour",
    "channel full": "no_capacity",
    "not reached": "not_reached",
}
SAID = {
    "went to somebody who had opted out": "opted_out",
    "would have pressed somebody too hard": "pressure",
    "found no manager hour": "no_hour",
    "found the channel full": "no_capacity",
    "did not reach the customer": "not_reached",
}
SCALE = {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12, "": 1.0}


def of(r: Reader, what: str, tier: str = "") -> Any:
    """The rows of reach.parquet that words are about, and the arm they name."""
    for form, wishes in KINDS.items():
        found = re.fullmatch(form.replace("{}", ARM), what)
        if found:
            table = r.run.reach[(r.run.reach["arm"] == r.arm(found["arm"])) & r.run.reach["wish"].isin(wishes)]
            return table[table["tier"] == tier] if tier else table
    raise AssertionError(f"wishes that nobody knows: {what}")


@pattern(
    r"Of the (?P<head>regular )?contacts with (?P<tier>.+?) customers (?P<rest>.+?), (?P<far>[\d,]+) %~? ended as "
    r"“(?P<end>[^”]+)”"
)
def _title(r: Reader, m: re.Match[str]) -> None:
    table = of(r, f"{m['head'] or ''}contacts {m['rest']}", m["tier"].replace(" ", "_"))
    whole, lost = table["customers"].sum(), table[table["end"].isin(list(ENDS.values()))]
    sums = lost.groupby("end")["customers"].sum()
    assert ENDS[m["end"]] == sums.idxmax()
    assert is_about(m["far"], sums.max() / whole, 100.0)


@pattern(
    r"Of every 10,000~? (?P<what>.+?), (?P<parts>[\d,]+ (?:went|would|found|did) .+); in a mean month these were "
    r"customers with CNY (?P<money>[\d.,]+) ?(?P<word>k|m|bn|tn|) of AUM\."
)
def _of_every(r: Reader, m: re.Match[str]) -> None:
    table = of(r, m["what"])
    sums = table.groupby("end")[["customers", "aum"]].sum()
    told = re.findall(r"([\d,]+) (" + "|".join(SAID) + ")", m["parts"])
    assert told
    for number, words in told:
        assert is_about(number, sums.loc[SAID[words], "customers"] / sums["customers"].sum(), 10_000.0)
    lost = sums.loc[[end for end in SAID.values() if end in sums.index], "aum"].sum() / r.months / r.seeds
    assert is_about(m["money"], lost / SCALE[m["word"]])


MARKS, MINUS = "\N{CHECK MARK}\N{MULTIPLICATION SIGN}? ", "\N{MINUS SIGN}"
LINKS = {  # words of a link -> key figure it must agree with
    "attrition": ("attrition_annual", 100.0, -1),
    "value": ("value", 1.0, 1),
}


def chains(root: Any, r: Reader, plain: Any) -> int:
    """Reads the chains of a page: words follow from intervals and sureness, the sentence from the words."""
    read = 0
    for box in root.all("div", cls="chain"):
        sentence = plain(box.all("p")[0].text())
        arm = r.arm(re.match(ARM, sentence)["arm"])
        words, labels, broke = [], [], []
        for node in box.all("li"):
            text = {cls: plain(node.all("span", cls=cls)[0].text()) for cls in ("link", "meant", "moved", "word")}
            between = [plain(span.text()) for span in node.all("span", cls="between")]
            word = text["word"].lstrip(MARKS).replace(", broke here", "")
            labels.append(text["link"])
            words.append(word)
            broke.append("broke" in node.classes)
            assert ("broke here" in text["word"]) == broke[-1]
            assert node.classes[0] == {"held": "held", "went the other way": "against"}.get(word, "open")
            ends = re.match(r"([+-]?[\d.,]+) to ([+-]?[\d.,]+)", between[0].replace(MINUS, "-"))
            low, high = (float(end.replace(",", "")) for end in ends.groups()) if ends else (0.0, 0.0)
            meant = 1 if text["meant"] == "meant up" else -1
            if text["link"] in LINKS:
                kpi, factor, side = LINKS[text["link"]]
                assert side == meant
                sure = r.truth.sure(arm, kpi)
                assert (word == "held", word == "went the other way") == (sure == meant, sure == -meant)
                number = re.sub(r"^[↑↓] ?", "", text["moved"])
                if kpi == "attrition_annual" and number != "0":
                    assert is_about(number.lstrip("+"), r.truth.value(arm, kpi), factor)
            elif word in ("held", "went the other way"):
                assert low * high > 0
                assert (word == "held") == ((low > 0) == (meant > 0))
            elif word == "not seen":
                assert low <= 0 <= high
        if "one seed" in words:
            assert not any(broke)
            assert "one seed" in sentence
        elif "no" in [word.split(" ")[0] for word in words] or set(words) != {"held"}:
            first = next(place for place, word in enumerate(words) if word != "held")
            assert broke == [place == first for place in range(len(words))]
            assert f"broke at {'its first link, ' if first == 0 else ''}{labels[first]}," in sentence
            assert all(label in sentence.split(";")[0] for label in labels[:first])
        else:
            assert sentence.endswith("every link held.")
        read += 1
    return read
