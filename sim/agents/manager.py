"""A relationship manager, as an agent: a book, a month's hours, skills, fatigue, and the day of leaving."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import mesa
import numpy as np
from scipy.special import ndtr, ndtri

from sim.agents.manager_settings import Managers

MOST_LOG_RATIO = 600.0  # beyond what a float holds
LOWEST, HIGHEST = 1.0, 5.0  # of the scale of digital skill

MANAGER_UNITS = {  # attributes of a manager that a table of managers has, and their units
    "tier": "",
    "remote": "",
    "vacant": "",
    "hire": "managers before this one",
    "vacant_months": "months",
    "service": "months",
    "experience": "contacts",
    "professional": "SD",
    "digital": "5-point scale",
    "trained_professional": "SD",
    "trained_digital": "SD",
    "fatigue": "SD",
    "utilisation": "hours asked over hours there were",
}


@lru_cache(maxsize=4096)  # months in a post are few; every manager asks every month
def _ramp(service: int, months: float, sigma: float) -> float:
    """How far somebody with these months in the post has grown into it, 0 to 1."""
    return float(ndtr(math.log((service + 0.5) / months) / sigma))


@dataclass(frozen=True)
class Departure:
    """A manager has left a post: was it planned, and did the manager go to a rival."""

    planned: bool
    to_rival: bool


class RelationshipManager(mesa.Agent):
    """The manager of one post. A post outlives its managers: `hire` counts them, and keys their draws."""

    CARRIED = (
        "post",
        "tier",
        "remote",
        "hire",
        "vacant_months",
        "utilisation",
        "fatigue",
        "service",
        "experience",
        "professional",
        "digital",
        "trained_professional",
        "trained_digital",
    )

    def __init__(self, model: mesa.Model, post: int, tier: int, settings: Managers, *, remote: bool = False):
        super().__init__(model)
        self.post = post
        self.tier = tier  # index of the tier whose customers the book has
        self.settings = settings
        self.remote = remote  # serves the larger customers of the lowest tier from afar
        self.hire = 0  # managers that the post had before this one
        self.vacant_months = 0  # months that the post will still be empty
        self.utilisation = 0.0  # hours asked for over hours there were, last month
        self.fatigue = 0.0  # SD, from overload; fades
        self.service = 0  # months in the post
        self.experience = 0.0  # contacts held
        self.professional = 0.0  # SD, professional skill on hiring
        self.digital = settings.digital_mean  # 5-point scale, digital skill on hiring
        self.trained_professional = 0.0  # SD, from programmes; fades
        self.trained_digital = 0.0  # SD, from programmes; fades

    @property
    def vacant(self) -> bool:
        """The post is empty."""
        return self.vacant_months > 0

    def key(self) -> int:
        """What stands in the place of a customer's uid in this manager's draws."""
        return (self.post << 20) | self.hire

    def begin(self, u: np.ndarray, service: int) -> None:
        """Start in the post with skills from two uniforms and `service` months behind."""
        s = self.settings
        self.professional = s.professional_sd * float(ndtri(u[0]))
        self.digital = min(max(s.digital_mean + s.digital_sd * float(ndtri(u[1])), LOWEST), HIGHEST)
        self.service = service
        self.experience = s.first_contacts * service
        self.trained_professional = self.trained_digital = 0.0
        self.fatigue = 0.0
        self.utilisation = s.neutral_utilisation
        self.vacant_months = 0

    def train(self, professional: float, digital: float) -> None:
        """Learn from a programme of the month, SD on the job; what was learnt before fades (SPEC 4.2)."""
        if self.vacant:
            return
        kept = 0.5 ** (1.0 / self.settings.forgetting_half_life)
        self.trained_professional = self.trained_professional * kept + professional
        self.trained_digital = self.trained_digital * kept + digital

    def professional_skill(self) -> float:
        """Professional skill in SD, with the experience curve and what programmes taught."""
        s = self.settings
        doublings = math.log2((self.experience + s.learning_head_start) / (s.learning_contacts + s.learning_head_start))
        professional = self.professional - math.log2(s.learning_rate) * max(
            min(doublings, s.learning_doublings), -s.learning_doublings
        )
        return professional + self.trained_professional

    def digital_skill(self) -> float:
        """Digital skill in SD, with what programmes taught."""
        s = self.settings
        return (self.digital - s.digital_mean) / max(s.digital_sd, 1e-9) + self.trained_digital

    def skill(self) -> float:
        """Skill in SD: professional with the experience curve, and digital."""
        share = self.settings.digital_weight
        return (1.0 - share) * self.professional_skill() + share * self.digital_skill()

    def quality(self) -> float:
        """Service quality in SD that customers of the book meet this month."""
        s = self.settings
        if self.vacant:
            return s.vacancy_quality
        overload = math.exp(-s.overload * max(0.0, self.utilisation - s.neutral_utilisation)) - 1.0
        newcomer = s.newcomer_quality * (1.0 - _ramp(self.service, s.ramp_months, s.ramp_sigma))
        return s.skill_quality * self.skill() + overload + newcomer + s.fatigue_quality * self.fatigue

    def work(self, asked_hours: float, hours: float, contacts: float) -> None:
        """Close a month: utilisation is hours asked over hours there were; fatigue and experience follow."""
        if self.vacant:
            self.utilisation = 0.0
            return
        s = self.settings
        self.utilisation = asked_hours / hours if hours > 0 else 0.0
        self.fatigue += s.fatigue_gain * max(0.0, self.utilisation - 1.0) - s.fatigue_decay * self.fatigue
        self.experience += contacts
        self.service += 1

    def exit_chance(self, ratio: float) -> float:
        """Probability of leaving this month, by seniority and fatigue; `ratio` is the levers' hazard ratio."""
        s = self.settings
        junior, senior = self.service < s.junior_months, self.service >= s.senior_months
        rate = s.turnover_junior if junior else s.turnover_senior if senior else s.turnover
        if self.fatigue * math.log(s.turnover_fatigue) > MOST_LOG_RATIO:
            return 1.0 if rate * ratio > 0 else 0.0
        return 1.0 - math.exp(-rate / 12.0 * s.turnover_fatigue**self.fatigue * ratio)

    def leave(self, u_planned: float, u_rival: float, *, vacancy: int, unprepared: float = 1.0) -> Departure:
        """Leave the post, which stays empty for `vacancy` months; `unprepared` is a ratio on departures without a
        hand-over."""
        self.vacant_months = vacancy
        return Departure(u_planned >= self.settings.unplanned * unprepared, u_rival < self.settings.to_rival)
