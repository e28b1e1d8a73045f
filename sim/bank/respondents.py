"""What a questionnaire can ask a bank about: its customers and managers at the end of a month, by measures and facts.

Scores are in standard deviations of the reference population by the model's own law (`behaviour.rates`), so that a mean
that strategies move is seen to move.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.codes import ACTIVE, CHANNELS
from sim.kernel.tallies import WEIGHT_UNIT
from sim.strategies.upheaval import Touch
from sim.survey.holding.settings import Answering
from sim.survey.measures import AGE_BANDS, AGE_FROM, TENURE_BANDS, TENURE_FROM
from sim.survey.respondents import Fact, Respondents

if TYPE_CHECKING:
    from sim.bank.model import BankModel

YEAR = 12
YES_NO = ("no", "yes")
MOST = 4.0  # SD: no score is further out
SMALLEST = 1e-6  # spread of what never varies


def customers(bank: BankModel, settings: Answering) -> Respondents:
    """All active customers of a bank at the end of its month."""
    c, rates, s = bank.customers, bank.rates, bank.settings
    rows = np.flatnonzero(c.state == ACTIVE)
    tier = c.tier[rows].astype(np.int64)
    post = c.manager[rows].astype(np.int64)
    managed = post >= 0
    team = bank.team.managers
    load = np.array([manager.utilisation for manager in team] + [0.0])
    skill = np.array([0.0 if manager.vacant else manager.skill() for manager in team] + [0.0])
    neutral = bank.scenario.managers.neutral_utilisation
    shift = bank.now.quality_shift.astype(np.float64)
    satisfaction = (c.satisfaction[rows] - float(rates.satisfaction_mu)) / float(rates.satisfaction_sd)
    trust = c.trust[rows] / float(rates.trust_sd)
    months = np.maximum(bank.month - c.joined_month[rows].astype(np.int64), 0)
    loyal, habit = s.loyalty, np.minimum(months, s.loyalty.habit_months) * 2.0 / s.loyalty.habit_months - 1.0
    loyalty = loyal.satisfaction * satisfaction + loyal.trust * trust
    loyalty = loyalty + loyal.bond * c.bond[rows] + loyal.habit * habit
    risk_mean, risk_sd = bank.moments[:, 0], max(bank.risk_spread, 1e-6)
    adoption = s.adoption
    measures = {
        "satisfaction": satisfaction,
        "trust": trust,
        "expectation": c.expectation[rows] / max(bank.source.birth.law.expectation_sd, SMALLEST),
        "quality": shift[managed.astype(np.int64), tier] + bank.team.quality()[post].astype(np.float64) * managed,
        "responsiveness": np.where(managed, np.clip((neutral - load[post]) / settings.hurried, -MOST, MOST), 0.0),
        "competence": np.where(managed, skill[post], 0.0),
        "bond": c.bond[rows].astype(np.float64),
        "failures": c.open_failure[rows].astype(np.float64),
        "relevance": -np.minimum(np.maximum(c.pressure[rows].astype(np.float64) - 1.0, 0.0), MOST),
        "engagement": c.engagement[rows].astype(np.float64),
        "affinity": (c.affinity[rows] - adoption.affinity_mean) / adoption.affinity_sd,
        "app": c.adopted[rows].astype(np.float64),
        "loyalty": loyalty / loyal.spread + loyal.nps_level / max(loyal.nps_loading, 1e-6),
        "risk": np.clip((c.risk[rows] - risk_mean[tier]) / risk_sd, -MOST, MOST),
    }
    facts = {
        "tier": Fact(tier.astype(np.int8), tuple(one.name for one in bank.tiers)),
        "age_band": _bands(c.age[rows] + max(bank.month, 0) / YEAR, AGE_FROM, AGE_BANDS),
        "tenure_band": _bands(months, TENURE_FROM, TENURE_BANDS),
        "app_user": Fact(c.adopted[rows], YES_NO),
        "banks": Fact(c.multihomer[rows], ("one", "several")),
        "preferred_channel": Fact(c.preferred[rows], CHANNELS),
        "managed": Fact(managed.astype(np.int8), YES_NO),
    }
    weight = c.weight[rows] / WEIGHT_UNIT
    channels = bank.scenario.channels
    at_branch = np.where((channels.column("in_branch") > 0)[c.preferred[rows]], 1.0, settings.branch_otherwise)
    use, app = c.transactions[rows].astype(np.float64), c.adopted[rows].astype(np.float64)
    visits = {"branch": use * at_branch * (1.0 - channels.branch_visits_saved * app), "app": use * app}
    return Respondents("customers", bank.seed, bank.month, c.uid[rows], weight, measures, facts, visits)


def managers(bank: BankModel, settings: Answering) -> Respondents:
    """All relationship managers who are in their posts at the end of a month, those on the telephone too."""
    team = [manager for manager in bank.team.managers if not manager.vacant]
    s = bank.scenario.managers
    strategies = bank.programme.strategies if bank.programme is not None else []
    hold, learnt = bank.maturities, [(one.trained_professional, one.trained_digital) for one in team]

    def felt(touch: Touch) -> float:
        """How far what touches this has taken hold."""
        return max((hold.get(one.use, 0.0) for one in strategies if touch in one.touches), default=0.0)

    leaving = np.array([math.log(max(one.exit_chance(1.0), 1e-9)) for one in team])
    measures = {
        "professional": _column(one.professional_skill() for one in team),
        "digital": _column(one.digital_skill() for one in team),
        "training": _column(sum(both) for both in learnt),
        "workload": np.clip(
            _column((o.utilisation - s.neutral_utilisation) / settings.workload for o in team), -MOST, MOST
        ),
        "fatigue": _column(one.fatigue for one in team),
        "tools": np.full(len(team), felt("app")),
        "orientation": np.full(len(team), felt("service")),
        "leaving": leaving - math.log(max(1.0 - math.exp(-s.turnover / YEAR), 1e-9)),
    }
    facts = {
        "tier": Fact(_column((one.tier for one in team), np.int8), tuple(one.name for one in bank.tiers)),
        "tenure_band": _bands(_column((one.service for one in team), np.int64), TENURE_FROM, TENURE_BANDS),
        "remote": Fact(_column((one.remote for one in team), np.int8), YES_NO),
    }
    uid = _column((one.key() for one in team), np.uint64)
    return Respondents("managers", bank.seed, bank.month, uid, np.ones(len(team)), measures, facts, {})


def _column(values: Iterable[Any], dtype: Any = np.float64) -> np.ndarray:
    return np.array(list(values), dtype)


def _bands(values: np.ndarray, starts: Sequence[int], words: tuple[str, ...]) -> Fact:
    """The band that each value is in, by where bands begin."""
    return Fact((np.searchsorted(starts, values, side="right") - 1).clip(0).astype(np.int8), words)
