"""A relationship manager as an agent of its own (docs/model.md 8): a post's hours, plan, skill, fatigue, departure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import mesa

from oracle.luck import NORMAL, normal, uniforms
from sim.codes import DRAW_MANAGER

if TYPE_CHECKING:
    from oracle.bank import OracleBank
    from oracle.customer import OracleCustomer

SKILLS, MONTH, POACHED = 1, 2, 5  # purposes of managers' draws, after DRAW_MANAGER
MOST_TO_FOLLOW = 0.95


class OracleManager(mesa.Agent):
    """The manager of one post; the post outlives its managers, whom `hire` counts."""

    model: OracleBank

    def __init__(self, bank: OracleBank, post: int, tier: int, *, remote: bool = False, first: bool = False):
        super().__init__(bank)
        self.bank, self.settings = bank, bank.scenario.managers
        self.post, self.tier, self.remote = post, tier, remote
        self.hire, self.months_vacant = 0, 0
        self.asked = self.contacts = 0.0  # of this month: hours asked for, contacts made
        self.begins(seasoned=first)

    def luck(self, purpose: int) -> tuple[float, float, float, float]:
        return uniforms(self.bank.seed, DRAW_MANAGER + purpose, self.bank.month, (self.post << 20) | self.hire)

    @property
    def vacant(self) -> bool:
        return self.months_vacant > 0

    @property
    def book(self) -> list[OracleCustomer]:
        return [one for one in self.bank.customers if one.manager == self.post]

    def begins(self, *, seasoned: bool = False) -> None:
        """Somebody new in the post; the first managers have long been there."""
        s, u = self.settings, self.luck(SKILLS)
        self.professional = s.professional_sd * normal(u[0])
        self.digital = min(max(s.digital_mean + s.digital_sd * normal(u[1]), 1.0), 5.0)  # of a 5-point scale
        self.service = min(int(-s.first_service * math.log(u[2])), s.first_service_most) if seasoned else 0
        self.experience = s.first_contacts * self.service
        self.taught_professional = self.taught_digital = self.fatigue = 0.0
        self.utilisation = s.neutral_utilisation

    # --- skill --------------------------------------------------------------------------------------------------------

    def skill(self) -> float:
        """Skill in SD: professional with the experience curve, and digital."""
        s = self.settings
        doublings = math.log2((self.experience + s.learning_head_start) / (s.learning_contacts + s.learning_head_start))
        doublings = min(max(doublings, -s.learning_doublings), s.learning_doublings)
        professional = self.professional - math.log2(s.learning_rate) * doublings + self.taught_professional
        digital = (self.digital - s.digital_mean) / s.digital_sd + self.taught_digital
        return (1.0 - s.digital_weight) * professional + s.digital_weight * digital

    def quality(self) -> float:
        """Service quality that customers of the book meet, SD."""
        s = self.settings
        if self.vacant:
            return s.vacancy_quality
        overload = math.exp(-s.overload * max(self.utilisation - s.neutral_utilisation, 0.0)) - 1.0
        ramp = NORMAL.cdf(math.log((self.service + 0.5) / s.ramp_months) / s.ramp_sigma)
        newcomer = s.newcomer_quality * (1.0 - ramp)
        return s.skill_quality * self.skill() + overload + newcomer + s.fatigue_quality * self.fatigue

    # --- the month's plan ---------------------------------------------------------------------------------------------

    def hours(self) -> float:
        return self.settings.hours_per_month * math.exp(self.bank.levers.log_hours)

    def listens_to(self, book: list[OracleCustomer]) -> float:
        """Hours that customers of the book ask for; notes what is asked with the contacts due on average."""
        inbound = due = 0.0
        for one in book:
            customers = one.weight / 1024
            inbound += customers * self.bank.by_tier(self.settings.inbound_hours, one.tier)
            due += customers * self.bank.hours_of_norm(one.tier)
        self.asked, self.contacts = inbound + due, 0.0
        return inbound

    # --- the month's end ----------------------------------------------------------------------------------------------

    def closes_month(self) -> None:
        """Work tires and teaches; then somebody is hired, or leaves, or the book is moved."""
        s, levers = self.settings, self.bank.levers
        u = self.luck(MONTH)
        if self.vacant:
            self.utilisation = 0.0
            self.months_vacant -= 1
            if not self.vacant:
                self.hire += 1
                self.begins()
            return
        self.utilisation = self.asked / self.hours()
        self.fatigue += s.fatigue_gain * max(self.utilisation - 1.0, 0.0) - s.fatigue_decay * self.fatigue
        self.experience += self.contacts
        self.service += 1
        kept = 0.5 ** (1.0 / s.forgetting_half_life)
        self.taught_professional = self.taught_professional * kept + levers.train_professional
        self.taught_digital = self.taught_digital * kept + levers.train_digital
        if not self.bank.settings.mechanisms.manager_turnover:
            return
        if u[0] < self.chance_of_leaving():
            prepared = u[1] >= s.unplanned * math.exp(levers.log_unprepared)
            self.leaves(prepared=prepared, to_rival=u[2] < s.to_rival)
        elif not self.remote and u[3] < -math.expm1(-s.reorganisation / 12.0):
            self.upsets(prepared=True, bond_kept=s.bond_kept)

    def chance_of_leaving(self) -> float:
        s = self.settings
        rate = s.turnover
        if self.service < s.junior_months:
            rate = s.turnover_junior
        elif self.service >= s.senior_months:
            rate = s.turnover_senior
        ratio = s.turnover_fatigue**self.fatigue * math.exp(self.bank.levers.log_manager_exit)
        return -math.expm1(-rate / 12.0 * ratio)

    def leaves(self, *, prepared: bool, to_rival: bool) -> None:
        """The post stays empty for some months; customers feel it, and some follow."""
        s = self.settings
        self.months_vacant = max(round(s.vacancy_months * math.exp(self.bank.levers.log_vacancy)), 1)
        if to_rival:
            owned = self.bank.by_tier(s.owned_loyalty, self.tier)
            for one in self.book:
                chance = min(owned * one.bond * s.follow, MOST_TO_FOLLOW)
                one.follow, one.follow_months = -math.log1p(-chance) / s.follow_months, s.follow_months
        self.upsets(prepared=prepared, bond_kept=0.0)

    def is_poached(self) -> None:
        """A rival may hire the manager away, without a hand-over."""
        chance = 1.0 - self.bank.world.stays[self.tier]
        if chance > 0.0 and not self.remote and not self.vacant and self.luck(POACHED)[0] < chance:
            self.leaves(prepared=False, to_rival=True)

    def upsets(self, *, prepared: bool, bond_kept: float) -> None:
        for one in self.book:
            one.manager_change = -self.settings.change_months if prepared else self.settings.change_months
            one.bond *= bond_kept
