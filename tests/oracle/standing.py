"""Where feelings and bonds stand when nothing new happens (docs/model.md 7.6, 7.12): by living on until it stays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oracle.bank import OracleBank

MONTHS = 4000  # in which whatever there was at first is forgotten
LONGEST_TENURE = 1200


@dataclass(frozen=True)
class Scale:
    """Mean and spread of raw satisfaction, spreads of raw trust and of expectation, of the reference population."""

    mu: float
    sd: float
    trust_sd: float
    expectation_sd: float


def scale(bank: OracleBank) -> Scale:
    """The reference population's satisfaction and trust: app users and others, of every tenure."""
    f, adoption = bank.settings.feelings, bank.settings.adoption
    mean_tenure = bank.settings.acquisition.tenure_mean
    middles = [month + 0.5 for month in range(LONGEST_TENURE - 1)]
    there = [math.exp(-months / mean_tenure) for months in middles]
    anchors = [f.anchor_months / (f.anchor_months + months) for months in middles]
    anchor = sum(n * a for n, a in zip(there, anchors, strict=True)) / sum(there)
    anchor_square = sum(n * a * a for n, a in zip(there, anchors, strict=True)) / sum(there)
    mu = square = spread = spread_of_trust = expecting = 0.0
    for uses_app, part in ((True, adoption.reference), (False, 1.0 - adoption.reference)):
        any_kind, people, *_ = bank.serves(uses_app, bank.levers)
        level, variance, of_trust, of_expectation = settled(bank, people, any_kind - people)
        mu += part * anchor * level
        square += part * anchor_square * level * level
        spread += part * anchor_square * variance
        spread_of_trust += part * anchor_square * of_trust
        expecting += part * of_expectation
    between = square - mu * mu
    sd = math.sqrt(spread + between)
    return Scale(mu, sd, math.sqrt(spread_of_trust + between) / sd, math.sqrt(expecting))


def settled(bank: OracleBank, people: float, in_app: float) -> tuple[float, float, float, float]:
    """Mean and variance of satisfaction, variance of trust on its scale, of an anchor of 1; variance of expectation.

    Moments of (S, E, T) are carried from month to month by the rules of 7.5 until they stay: with people or in the app
    come with these chances; the size of a surprise counts as unrelated to the past.
    """
    f, s = bank.settings.feelings, bank.settings.service
    kinds = ((people, 1.0, s.quality_sd), (in_app, s.app_weight, s.quality_sd * s.app_spread))
    gain, loss = f.gain, f.gain * f.asymmetry
    along, bent = (gain + loss) / 2.0, (gain - loss) / 2.0
    keep, hold, learn, pleased = 1.0 - f.decay, 1.0 - f.trust, f.expectation, f.performance
    met = sum(p * w for p, w, _ in kinds)
    met_square = sum(p * w * w for p, w, _ in kinds)
    heard = sum(p * (w * sd) ** 2 for p, w, sd in kinds)
    e_e = s_e = s_s = t_e = t_s = t_t = 0.0
    for _ in range(MONTHS):
        surprise = sum(p * w * math.sqrt(2.0 * (sd * sd + e_e) / math.pi) for p, w, sd in kinds)
        surprise_square = sum(p * w * w * (sd * sd + e_e) for p, w, sd in kinds)
        new_s = keep * keep * s_s - 2.0 * keep * along * met * s_e + along**2 * met_square * e_e
        new_s += (along + pleased) ** 2 * heard + bent**2 * (surprise_square - surprise**2)
        with_past = keep * t_s - along * met * t_e
        new_se = keep * s_e * (1.0 - learn * met) + (along + pleased) * learn * heard
        new_se -= along * (met - learn * met_square) * e_e
        t_t = hold * hold * t_t + 2.0 * hold * f.trust * with_past + f.trust**2 * new_s
        t_s = hold * with_past + f.trust * new_s
        t_e = hold * t_e * (1.0 - learn * met) + f.trust * new_se
        e_e = e_e * (1.0 - 2.0 * learn * met + learn**2 * met_square) + learn**2 * heard
        s_s, s_e = new_s, new_se
    return bent * surprise / f.decay, s_s, t_t, e_e


def contacts_that_reach(bank: OracleBank, tier: int) -> float:
    """In a month, of the own manager: those of the norm, as far as the hours of a full book allow."""
    s, mix = bank.scenario.managers, bank.team.mix(tier)
    due = 1.0 / max(bank.by_tier(s.contact_months, tier), 1.0)
    hours = due * sum(share * channel.hours for share, channel in zip(mix, bank.channels, strict=True))
    free = s.hours_per_month / bank.by_tier(s.span, tier) - bank.by_tier(s.inbound_hours, tier)
    kept = min(max(free, 0.0) / hours, 1.0) if hours > 0.0 else 1.0
    return due * kept * sum(share * channel.reach for share, channel in zip(mix, bank.channels, strict=True))


def changes_a_month(bank: OracleBank) -> tuple[float, float, float]:
    """Of a customer's manager: with a hand-over, without one, and the book moved."""
    s = bank.scenario.managers
    if not bank.settings.mechanisms.manager_turnover:
        return 0.0, 0.0, 0.0
    return s.turnover * (1.0 - s.unplanned) / 12.0, s.turnover * s.unplanned / 12.0, s.reorganisation / 12.0


def bond(bank: OracleBank, tier: int) -> float:
    """Of a customer who has long had a manager: growth against fading and the changes of managers."""
    s = bank.settings.contacts
    planned, unplanned, moved = changes_a_month(bank)
    grows = (1.0 - math.exp(-1.0 / s.bond_contacts)) * contacts_that_reach(bank, tier)
    fades = 1.0 - 0.5 ** (1.0 / s.bond_half_life)
    fades += planned + unplanned + moved * (1.0 - bank.scenario.managers.bond_kept)
    return grows / (grows + fades)


def coverage_ratio(bank: OracleBank, tier: int) -> float:
    """The mean hazard under the scenario's coverage, over that under the coverage before."""
    s, managers, on = bank.settings.leaving, bank.scenario.managers, bank.settings.mechanisms
    if not (on.covariates and on.contacts):
        return 1.0
    forgotten = math.exp(s.gap) if tier > 0 else 1.0
    silent = math.exp(-s.gap_months * contacts_that_reach(bank, tier))
    planned, unplanned, moved = changes_a_month(bank)
    upset = (planned + moved) * math.expm1(managers.change_planned) + unplanned * math.expm1(managers.change_unplanned)
    managed = math.exp(s.bond * bond(bank, tier)) * (1.0 + upset * managers.change_months)
    managed *= 1.0 + silent * (forgotten - 1.0)
    now, before = (bank.by_tier(table, tier) for table in (managers.coverage, managers.coverage_before))
    return (now * managed + (1.0 - now) * forgotten) / (before * managed + (1.0 - before) * forgotten)
