"""A customer as an agent of its own: what it is in plain attributes, what it does in methods (docs/model.md 7).

Numbers are Python floats, in double precision; at the end of a month what the bank's columns hold in 32 bits is rounded
to 32 bits, so that neither side drifts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mesa

from oracle.luck import normal, single, student, uniforms
from sim.codes import (
    ACTIVE,
    CHANNEL_BITS,
    CHANNELS,
    CLOSED,
    DORMANT,
    DRAW_CONTACT,
    DRAW_DIGITAL,
    DRAW_LIFE,
    DRAW_SCORE,
    DRAW_SERVICE,
    LANES,
    LEAD,
    NOBODY,
    RETENTION,
    UPLIFT_CLASSES,
)

if TYPE_CHECKING:
    from oracle.bank import OracleBank
    from oracle.strategies import OracleLevers
    from oracle.world import OracleWorld

WHOLE = (
    *("uid", "weight", "state", "tier", "first_tier", "joined_month", "referred", "products", "adopted", "preferred"),
    *("manager", "contact_gap", "transactions", "silence", "below", "tier_change", "opted_out", "opt_out_month"),
    *("attempts", "last_channel", "contacts", "retained", "lead", "manager_change", "follow_months"),
    *("second_life", "uplift_class", "multihomer", "adverse", "reduced"),
)
SINGLE = (
    *("age", "income", "aum_2", "log_wealth", "wealth_mean", "wallet", "wallet_mean", "affinity"),
    *("need", "satisfaction", "expectation", "trust", "engagement", "engagement_mean", "log_frailty", "bond"),
    *("pressure", "open_failure", "follow", "risk"),
)
COLUMNS = (*WHOLE, *SINGLE, "aum")
BAR = 0.999998  # of a bound, since AUM is a float of 32 bits
BELOW_CEILING = 0.999999
LONGEST = 100  # months and offers are counted up to here
MOST_TRANSACTIONS = 255


NEW_MONTHS = 3  # months in which a customer may be welcomed


def logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


class OracleCustomer(mesa.Agent):
    """One customer; `columns` is what it is when it comes."""

    model: OracleBank

    def __init__(self, bank: OracleBank, columns: dict[str, Any]):
        super().__init__(bank)
        self.bank = bank
        for name in COLUMNS:
            setattr(self, name, columns[name])
        self.lived: int | None = None  # the last month it lived
        self.tried = bank.tried_with(self)

    # --- what it can be asked -------------------------------------------------------------------------------------

    def luck(self, purpose: int, month: int | None = None) -> dict[str, float]:
        """The uniforms of a purpose this month, by their name."""
        month = self.bank.month if month is None else month
        return dict(zip(LANES[purpose], uniforms(self.bank.seed, purpose, month, self.uid), strict=True))

    @property
    def levers(self) -> OracleLevers:
        """Of the month, as this customer meets them."""
        return self.bank.meets[self.tried]

    @property
    def world(self) -> OracleWorld:
        return self.bank.world

    @property
    def is_active(self) -> bool:
        return self.state == ACTIVE

    @property
    def held(self) -> float:
        """Share of the wallet that is still here."""
        return self.bank.settings.wallet.dormant_share if self.reduced else 1.0

    @property
    def tenure(self) -> int:
        """Completed months with the bank when the month begins."""
        return self.bank.month - self.joined_month - 1

    @property
    def age_now(self) -> float:
        """Years; the column has them at month 0."""
        return self.age + self.bank.month / 12.0

    @property
    def is_new(self) -> bool:
        return self.is_active and self.tenure < NEW_MONTHS

    def has_opted_out(self, channel: int) -> bool:
        return bool(self.opted_out >> channel & 1)

    def satisfied(self) -> float:
        """Satisfaction in SD."""
        return (self.satisfaction - self.bank.scale.mu) / self.bank.scale.sd

    def trusting(self) -> float:
        """Trust in SD."""
        return self.trust / self.bank.scale.trust_sd

    def class_ratio(self) -> float:
        """What a retention contact does to the hazard."""
        return self.bank.settings.retention.hazard_ratio[UPLIFT_CLASSES[self.uplift_class]]

    def loyalty(self) -> float:
        s = self.bank.settings.loyalty
        habit = min(2.0 * (self.tenure + 1) / s.habit_months - 1.0, 1.0)
        return s.satisfaction * self.satisfied() + s.trust * self.trusting() + s.bond * self.bond + s.habit * habit

    def is_near_bound(self, near: float) -> bool:
        """Whether AUM is at least so much of the next tier's bound."""
        return self.tier + 1 < len(self.bank.tiers) and self.aum >= near * self.bank.bounds[self.tier + 1]

    # --- the month --------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Live the month, in the order of docs/model.md 3."""
        if self.state == CLOSED:
            return
        self.begins_month()
        self.meets_life()
        self.wealth_moves()
        self.is_served()
        self.complains()
        self.is_contacted()
        self.answers_contact()
        self.shows_interest()
        self.feels()
        self.buys()
        self.uses()
        self.takes_up_the_app()
        self.wallet_moves()
        self.counts_aum()
        self.leaves_or_returns()
        self.is_held_in_band()
        self.changes_tier()
        self.ends_month()

    def begins_month(self) -> None:
        """The month's luck; nothing has happened yet."""
        self.aum_before = self.aum
        self.life = self.luck(DRAW_LIFE)
        self.service = self.luck(DRAW_SERVICE)
        self.contact = self.luck(DRAW_CONTACT)
        self.digital = self.luck(DRAW_DIGITAL)
        self.channel, self.by_manager, self.keeps, self.follows_lead, self.welcomes = NOBODY, False, False, False, False
        self.reached = self.sold = self.won_back = self.failed = self.complained = self.recovered = self.breach = False
        self.opts_out = False
        self.quality = self.surprise = self.experience_weight = 0.0
        self.lived, self.tier_before, self.aum_before = self.bank.month, self.tier, self.aum
        self.campaign_channel = NOBODY  # of a contact that no manager made

    def meets_life(self) -> None:
        life = self.bank.settings.life
        rate, u = life.events / 12.0, self.life["event"]
        self.relocates = u < rate * life.relocation
        self.inherits = not self.relocates and u < rate * (life.relocation + life.inheritance)
        self.has_event = u < rate

    def wealth_moves(self) -> None:
        wealth, market = self.bank.settings.wealth, self.world.market[self.tier]
        if not self.bank.settings.mechanisms.wealth:
            self.log_wealth += market  # an event's doing, as 4.4 says
            self.wealth_mean += market
            return
        jump = market + (wealth.inheritance_jump if self.inherits else 0.0)
        shock = wealth.sd * student(self.life["shock"])
        self.log_wealth += wealth.reversion * (self.wealth_mean - self.log_wealth) + shock + jump
        self.wealth_mean += wealth.growth / 12.0 + jump

    # --- service ------------------------------------------------------------------------------------------------------

    def is_served(self) -> None:
        """At most one experience, and perhaps a failure."""
        if not self.is_active:
            return
        s, bank = self.bank.settings.service, self.bank
        all_episodes, with_people, all_failures, people_failures = bank.chances[self.tried, bool(self.adopted)]
        luck = self.service
        self.failed = luck["failure"] < all_failures
        people = luck["experience"] < with_people or luck["failure"] < people_failures
        if luck["experience"] < all_episodes or self.failed:
            managed = self.manager != NOBODY
            second = self.failed and self.open_failure > s.still_open
            spread = s.quality_sd * (1.0 if people else s.app_spread)
            spread *= math.exp(self.levers.log_quality_sd[int(managed)][int(self.adopted)])
            quality = self.levers.quality[self.tier] + (self.levers.quality_managed[self.tier] if managed else 0.0)
            quality += spread * normal(luck["quality"])
            if people and managed:
                quality += s.manager_share * bank.manager_quality(self.manager)
            if self.failed:
                quality -= s.failure_drop * (s.double_deviation if second else 1.0)
            self.quality = quality
            self.experience_weight = 1.0 if people else s.app_weight
            self.surprise = self.experience_weight * (quality - self.expectation - self.world.expectation_rise)
            self.breach = second

    def complains(self) -> None:
        """Of a failure perhaps, and is perhaps helped; what stays open fades."""
        s, u = self.bank.settings.service, self.service["complaint"]
        self.complained = self.failed and u < s.complain
        solved = self.failed and u < s.complain * moved(s.resolution, self.levers.resolution)
        self.recovered = solved and not self.breach
        fading = 0.5 ** (1.0 / self.bank.settings.leaving.failure_half_life)
        self.open_failure = self.open_failure * fading + (1.0 if self.failed and not solved else 0.0)

    # --- contacts -----------------------------------------------------------------------------------------------------

    def weighs(self, channel: int) -> float:
        """What a contact in a channel adds to contact pressure."""
        contacts = self.bank.settings.contacts
        weight = 1.0 / self.bank.channels[channel].ideal_per_quarter
        if channel == self.preferred:
            weight *= contacts.preferred_relief
        if self.last_channel not in (NOBODY, channel):
            weight *= contacts.channel_change
        return weight

    def bears(self, channel: int) -> bool:
        """Whether the cap on contact pressure allows one more contact there."""
        kept = self.bank.settings.contacts.memory * self.pressure
        return kept + self.weighs(channel) <= self.levers.pressure_cap

    def can_hear(self, channel: int) -> bool:
        return not self.has_opted_out(channel) and self.bears(channel)

    def is_contacted(self) -> None:
        """By the manager as planned, else perhaps by a campaign, a welcome, or to be won back."""
        if self.is_active:
            plan = self.bank.planned(self) if self.manager != NOBODY else NOBODY
            if plan >= 0:
                self.channel, self.by_manager = plan & CHANNEL_BITS, True
                self.keeps, self.follows_lead = bool(plan & RETENTION), bool(plan & LEAD)
            elif not (self.manager == NOBODY and self.meets_campaign()) and plan == NOBODY:
                self.meets_welcome()
        elif self.bank.settings.mechanisms.contacts:
            self.is_called_back()
        if self.channel != NOBODY and not self.by_manager:
            self.campaign_channel = self.channel
        self.pressure *= self.bank.settings.contacts.memory
        self.spoke_elsewhere = False
        if self.channel != NOBODY:
            self.pressure += self.weighs(self.channel)
            self.spoke_elsewhere = self.last_channel not in (NOBODY, self.channel)
            self.last_channel = self.channel
            self.contacts += 1

    def is_called_back(self) -> None:
        """A dormant customer may be contacted to win it back."""
        retention = self.bank.settings.retention
        channel = CHANNELS.index(self.bank.by_tier(retention.win_back_by, self.tier))
        wanted = self.digital["campaign"] < self.levers.win_back[self.tier]
        self.won_back = wanted and not self.has_opted_out(channel)
        self.campaign_channel = channel if self.won_back else NOBODY

    def meets_campaign(self) -> bool:
        """One uniform, cut into a piece a channel: offers first, then contacts meant to keep; whether any is meant."""
        if not self.bank.settings.mechanisms.contacts:
            return False
        u, end = self.digital["campaign"], 0.0
        best = self.offer_boost()
        keep = 1.0 if self.is_to_be_kept() else 0.0
        for keeps in (False, True):
            for channel in range(len(CHANNELS)):
                if self.bank.channels[channel].in_app and not self.adopted:
                    continue
                if keeps:
                    end += self.levers.retain[self.tier][channel] * keep
                else:
                    end += self.campaign(channel) * best + self.remote_calls(channel)
                if u < end:
                    if self.can_hear(channel):
                        self.channel, self.keeps = channel, keeps
                    return True
        return False

    def campaign(self, channel: int) -> float:
        """Chance of a campaign's offer in a month."""
        usual = self.bank.by_tier(self.bank.channels[channel].campaign, self.tier)
        return min(max(usual + self.levers.campaign[self.tier][channel], 0.0), 1.0)

    def remote_calls(self, channel: int) -> float:
        """Chance of a remote manager's call, to the larger customers of the lowest tier."""
        managers = self.bank.scenario.managers
        if self.tier == 0 and self.bank.channels[channel].remote_calls and self.aum >= managers.remote_from:
            return self.levers.outreach * managers.remote_coverage
        return 0.0

    def offer_boost(self) -> float:
        """Offers that go by the score go to the best-scored share, as many in all."""
        share, top = self.levers.targeting, min(max(self.levers.offer_share, 1e-6), 1.0)
        if share <= 0.0:
            return 1.0
        best = top >= 1.0 or self.score("offer") > normal(1.0 - top)
        return 1.0 - share + (share / top if best else 0.0)

    def is_to_be_kept(self) -> bool:
        if not any(self.levers.retain[self.tier]):
            return False
        return self.score("uplift" if self.levers.by_uplift else "churn") > self.levers.retain_cut

    def score(self, kind: str) -> float:
        """What the bank's model says of this customer: a part truth, a part the quarter's noise."""
        bank = self.bank
        quarter = (bank.month - 1) // bank.settings.scores.redrawn_months
        noise = normal(self.luck(DRAW_SCORE, quarter)[f"{kind}_noise"])
        known = bank.known(kind, self.levers)
        if kind == "offer":
            truth = self.need
        else:
            told = self.risk if kind == "churn" else math.exp(self.risk) * (1.0 - self.class_ratio())
            mean, spread = bank.moments[kind][self.tier]
            truth = (told - mean) / spread
        return known * truth + math.sqrt(max(1.0 - known * known, 0.0)) * noise

    def meets_welcome(self) -> None:
        """New customers whom nobody else contacts may be welcomed: cut from the upper end of the campaigns' uniform."""
        if not self.is_new or not self.bank.settings.mechanisms.contacts:
            return
        u, end = 1.0 - self.digital["campaign"], 0.0
        for channel in range(len(CHANNELS)):
            if self.bank.channels[channel].in_app and not self.adopted:
                continue
            end += min(max(self.levers.welcome[channel], 0.0), 1.0)
            if u < end:
                if self.can_hear(channel):
                    self.channel, self.welcomes = channel, True
                return

    def answers_contact(self) -> None:
        """Reached or not; buys or not; opts out; gets to know the manager."""
        s, luck = self.bank.settings.contacts, self.contact
        quality = self.bank.manager_quality(self.manager) if self.manager != NOBODY else 0.0
        made = self.channel != NOBODY
        self.reached = made and luck["reach"] < self.bank.channels[self.channel].reach
        if self.reached and not (self.keeps or self.welcomes):
            shift = self.levers.push + (self.levers.push_managers if self.by_manager else 0.0)
            if self.digital["push"] < moved(s.push, shift):
                self.sold = luck["sale"] < self.chance_of_sale(quality)
                self.attempts = 0 if self.sold else min(self.attempts + 1, LONGEST)
        if self.bank.month % s.campaign_months == 0:
            self.attempts = 0
        if self.reached and self.welcomes:
            if self.retained == 0:
                self.sold = luck["sale"] < self.levers.welcome_product
            if self.retained <= 0:
                self.retained = -(NEW_MONTHS - self.tenure)
        elif self.reached and self.keeps:
            self.retained = self.bank.settings.retention.months
        if self.bank.month - self.opt_out_month >= s.opt_out_months:
            self.opted_out = 0
        if made and luck["opt_out"] < s.opt_out * math.exp(s.opt_out_slope * max(self.pressure - 1.0, 0.0)):
            self.opts_out = True
            self.opted_out |= 1 << self.channel
            self.opt_out_month = self.bank.month
        self.contact_gap = min(self.contact_gap + 1, LONGEST)
        fading, grows = 0.5 ** (1.0 / s.bond_half_life), 0.0
        if self.reached and self.by_manager:
            grows = min((1.0 - math.exp(-1.0 / s.bond_contacts)) * max(1.0 + s.bond_skill * quality, 0.0), 1.0)
            self.contact_gap = 0
        self.bond = self.bond * fading + (1.0 - self.bond) * grows

    def shows_interest(self) -> None:
        """Who uses the app and has a manager may look at a product there."""
        scores, contacts = self.bank.settings.scores, self.bank.settings.contacts
        browses = self.is_active and self.adopted and self.manager != NOBODY
        shown = self.digital["campaign"] < scores.lead * math.exp(contacts.need * self.need)
        self.lead = int(browses and shown)

    def chance_of_sale(self, quality: float) -> float:
        s, levers = self.bank.settings.contacts, self.levers
        log_ratio = s.need * self.need + self.attempts * math.log(s.attempt_decay) + levers.log_conversion[self.tier]
        near = 1.0
        if self.by_manager:
            log_ratio += s.skill * quality + self.bond * math.log(s.bond_conversion)
            near = s.near_threshold_effect if self.is_near_bound(s.near_threshold) else 1.0
        if self.follows_lead:
            log_ratio += levers.handoff * self.bank.data_quality(levers)
        if self.spoke_elsewhere:
            log_ratio += levers.synergy * self.bank.data_quality(levers)
        life = self.bank.settings.life.need if self.has_event else 1.0
        return self.bank.channels[self.channel].conversion * math.exp(log_ratio) * near * life

    # --- feelings -----------------------------------------------------------------------------------------------------

    def feels(self) -> None:
        f, scale = self.bank.settings.feelings, self.bank.scale
        d, q = self.surprise, self.quality
        anchor = f.anchor_months / (f.anchor_months + self.tenure + 1)
        moved_by = f.gain * max(d, 0.0) - f.gain * f.asymmetry * max(-d, 0.0)
        moved_by += f.performance * self.experience_weight * q
        pleased = (f.recovery if self.recovered else 0.0) - f.pressure * max(self.pressure - f.pressure_from, 0.0)
        self.satisfaction += anchor * moved_by - f.decay * self.satisfaction + scale.sd * pleased
        self.expectation += f.expectation * (d + self.experience_weight * self.world.expectation_rise)
        privacy = self.levers.privacy * math.exp(self.levers.log_refusal) * scale.trust_sd
        self.trust += f.trust * (self.satisfied() - 2.0 * privacy * (1.0 - self.affinity) - self.trust)
        self.trust -= f.breach if self.breach else 0.0
        passing = math.sqrt((1.0 - f.engagement**2) * (1.0 - f.engagement_lasting)) * normal(self.life["engagement"])
        self.engagement = self.engagement_mean + f.engagement * (self.engagement - self.engagement_mean) + passing

    # --- products, transactions, the app ------------------------------------------------------------------------------

    def buys(self) -> None:
        """Products given up, bought on its own, and bought from a contact."""
        p, u = self.bank.settings.products, self.contact["product"]
        beyond = self.bank.by_tier(p.beyond_first, self.tier)
        bought, lost = int(self.sold), 0
        if self.is_active:
            bought += u < beyond * p.loss * p.own_share
            lost = int(u > 1.0 - p.loss * (self.products - 1))
        self.taken = min(bought, max(p.most - self.products, 0))
        self.products += self.taken - lost

    def uses(self) -> None:
        """Transactions of the month."""
        f = self.bank.settings.feelings
        count = 0
        if self.is_active:
            slope = f.transactions_slope
            mean = f.transactions * math.exp(slope * self.engagement - slope * slope / 2.0)
            mean *= f.transactions_app if self.adopted else 1.0
            none, u = math.exp(-mean), self.digital["use"]
            if u >= none:
                further = mean / (1.0 - none) - 1.0  # mean of the geometric number beyond the first
                left = (u - none) / (1.0 - none)
                count = 1 + (math.floor(math.log(left) / math.log(further / (1.0 + further))) if further > 0 else 0)
        self.transactions = min(count, MOST_TRANSACTIONS)
        self.silence = 0 if count else min(self.silence + 1, LONGEST)

    def takes_up_the_app(self) -> None:
        """An active customer who does not use the app may take it up."""
        bank, a = self.bank, self.bank.settings.adoption
        if not self.is_active or self.adopted or not bank.settings.mechanisms.adoption:
            return
        y = a.intercept + a.usefulness * (self.affinity - a.affinity_mean) / a.affinity_sd + a.trust * self.trusting()
        y += -a.age * (self.age_now - a.age_from) / 10.0 + a.peers * (bank.share_of_users - a.peers_from)
        risk = self.levers.privacy_risk * math.exp(self.levers.log_refusal)
        y += self.world.adoption + self.levers.adoption - a.privacy_risk * risk
        if self.retained < 0:
            y += self.levers.welcome_adoption
        self.adopted = int(self.digital["adopt"] < logistic(y))

    # --- money --------------------------------------------------------------------------------------------------------

    def wallet_moves(self) -> None:
        w = self.bank.settings.wallet
        if not self.bank.settings.mechanisms.wealth:
            return
        if self.sold:
            self.wallet = math.log((math.exp(self.wallet) + w.brought) / (1.0 - w.brought))
        change = w.reversion * (self.wallet_mean + w.bond * self.bond - self.wallet)
        if self.is_active:
            change += w.satisfaction * self.satisfied() + (w.contact if self.reached else 0.0)
        change -= self.leaks()
        change -= w.yield_gap * self.world.yield_gap * self.affinity * self.bank.by_tier(w.liquid, self.tier)
        self.wallet += change

    def leaks(self) -> float:
        """What goes to other banks in a month."""
        w = self.bank.settings.wallet
        if not self.multihomer:
            return 0.0
        in_branch = self.bank.channels[self.preferred].in_branch
        return w.multihoming * (
            1.0 + self.adopted * w.multihoming_digital * (w.multihoming_branch if in_branch else 1.0)
        )

    def counts_aum(self) -> None:
        self.aum = self.held * math.exp(self.log_wealth) * logistic(self.wallet)

    # --- leaving ------------------------------------------------------------------------------------------------------

    def log_hazard_ratio(self) -> float:
        """The log hazard ratio of leaving that is this customer's own: what it meets and feels, tenure, frailty."""
        on = self.bank.settings.mechanisms
        x = self.covariates() if on.covariates else 0.0
        x += math.log(self.bank.by_tier(self.bank.settings.leaving.tenure, self.tier)[self.band]) if on.tenure else 0.0
        return x + self.log_frailty

    @property
    def band(self) -> int:
        """In which band of tenure the customer is."""
        return sum(self.tenure >= bound for bound in BANDS)

    def covariates(self) -> float:
        """The sum of docs/model.md 7.10."""
        bank, s = self.bank, self.bank.settings.leaving
        world, levers = bank.world, self.levers
        x = min(self.products - 1, s.products_most) * s.products
        x += s.satisfaction * self.satisfied() + s.trust * self.trusting() + s.engagement * self.engagement
        x += s.failure * self.open_failure + s.bond * self.bond
        upset = self.bank.scenario.managers
        x += upset.change_unplanned if self.manager_change > 0 else 0.0
        x += upset.change_planned if self.manager_change < 0 else 0.0
        x += s.gap if self.tier > 0 and self.contact_gap > s.gap_months else 0.0
        x += s.app if self.adopted else 0.0
        x += s.yield_gap * world.yield_gap * self.affinity
        if self.tier_change > 0:
            x += s.promotion
        elif self.tier_change < 0:
            fallen_from = min(self.tier + 1, len(bank.tiers) - 1)
            x += bank.by_tier(s.demotion, fallen_from) * math.exp(levers.log_demotion)
        y = min(max((self.age_now - s.age_from) / 10.0, -s.age_below), s.age_above)
        x += s.age * y + s.age_square * y * y
        z = min(self.pressure, bank.settings.contacts.pressure_most)
        x -= bank.settings.contacts.benefit * (2.0 * z - z * z)
        x += math.log(s.second_life) if self.second_life > 0 else 0.0
        x += math.log(self.class_ratio()) if self.retained > 0 else 0.0
        x += levers.log_welcome_hazard if self.retained < 0 else 0.0
        return x

    def leaves_or_returns(self) -> None:
        """Closing and falling silent compete; so do closing and coming back."""
        bank, s, u = self.bank, self.bank.settings, self.life["exit"]
        x = self.log_hazard_ratio()
        x += s.leaving.relocation if self.relocates and s.mechanisms.covariates else 0.0
        x += bank.word_of_mouth(self.tier) + self.levers.log_hazard[self.tier]
        self.risk = x
        if self.is_active:
            close = bank.close_rate[self.tier] * math.exp(x + self.levers.log_close[self.tier])
            close += self.follow if self.follow_months > 0 else 0.0
            other = bank.dormant_rate[self.tier] * math.exp(x + self.levers.log_dormant[self.tier])
        else:
            close = -math.log1p(-s.dormant_hazard.close)
            other = -math.log1p(-s.dormant_hazard.reactivate) if s.mechanisms.reactivation else 0.0
            other *= math.exp(self.levers.log_return)
            if self.won_back:
                other += -math.log1p(-bank.by_tier(s.retention.win_back, self.tier))
        self.clocks_run()
        both = -math.expm1(-(close + other))
        if u >= both:
            return
        if u < both * close / (close + other):
            self.closes()
        elif self.is_active:
            self.falls_silent()
        else:
            self.comes_back()

    def clocks_run(self) -> None:
        """A month less of whatever works for some months only."""
        for name in ("tier_change", "retained", "manager_change", "follow_months", "second_life"):
            left = getattr(self, name)
            setattr(self, name, left - (left > 0) + (left < 0))

    def closes(self) -> None:
        self.bank.says_goodbye(self)
        self.state, self.manager = CLOSED, NOBODY

    def falls_silent(self) -> None:
        self.bank.count(self, "went_dormant")
        self.state = DORMANT
        self.aum *= self.bank.settings.wallet.dormant_share / self.held
        self.reduced = 1
        self.manager, self.bond = NOBODY, 0.0

    def comes_back(self) -> None:
        self.bank.count(self, "reactivated")
        self.state = ACTIVE
        self.aum /= self.held
        self.reduced = 0
        self.second_life = self.bank.settings.leaving.second_life_months

    # --- the tier -----------------------------------------------------------------------------------------------------

    def is_held_in_band(self) -> None:
        """Where a matrix moves tiers, an active customer's AUM and wealth stay within the tier's."""
        if not self.bank.by_matrix or not self.is_active:
            return
        inside = min(max(self.aum, self.bank.bounds[self.tier]), self.bank.ceilings[self.tier] * BELOW_CEILING)
        self.log_wealth += math.log(inside / self.aum)
        self.aum = inside

    def is_moved(self, tier: int, aum: float) -> None:
        """By the matrix, to another tier and an AUM of its law; wealth and its mean move along."""
        if tier == self.tier:
            return
        months = self.bank.settings.leaving.tier_change_months
        self.bank.moves(self, tier)
        self.tier_change, self.below = months if tier > self.tier else -months, 0
        self.tier, self.aum = tier, aum
        self.aum = self.aum_2 = single(aum)
        shift = math.log(aum) - math.log(self.held * logistic(self.wallet)) - self.log_wealth
        self.log_wealth, self.wealth_mean = single(self.log_wealth + shift), single(self.wealth_mean + shift)

    def changes_tier(self) -> None:
        """Up at once, down when the grace is over, by the mean AUM of the last three month ends."""
        bank = self.bank
        if self.state == CLOSED:
            return
        mean = (self.aum + self.aum_before + self.aum_2) / 3.0
        there = max(k for k in range(len(bank.tiers)) if k == 0 or mean >= bank.bounds[k] * BAR)
        months = bank.settings.leaving.tier_change_months
        self.aum_2 = self.aum_before
        self.below = min(self.below + 1, LONGEST) if there < self.tier else 0
        if bank.by_matrix:
            return
        if there > self.tier:
            bank.moves(self, there)
            self.tier, self.tier_change, self.below = there, months, 0
        elif self.below > bank.tiers[self.tier].grace_months + self.levers.extra_grace:
            bank.moves(self, there)
            self.tier, self.tier_change, self.below = there, -months, 0

    def ends_month(self) -> None:
        """Clocks run down, and columns hold 32 bits."""
        for name in SINGLE:
            setattr(self, name, single(getattr(self, name)))


BANDS = (3, 12, 24, 48, 60)


def moved(share: float, log_odds: float) -> float:
    """A share moved on the logit scale."""
    if share <= 0.0 or share >= 1.0 or log_odds == 0.0:
        return share
    return 1.0 / (1.0 + (1.0 / share - 1.0) * math.exp(-log_odds))
