"""What the kernel is given: `Rates`, by which customers live, and `Now`, what holds this month.

Flat named tuples of float32 numbers and small tables, because nested ones do not compile in every loop; whoever makes
them (`behaviour.rates`, `model`) fills every field by name.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Rates(NamedTuple):
    """What customers live by, the same for every month and arm.

    float32, but for `int`, which is int32; by-tier tables have one entry a tier.
    """

    # wealth and wallet
    wealth_reversion: np.float32  # a month
    wealth_sd: np.float32  # of log wealth a month
    wealth_growth: np.float32  # of log wealth a month
    inheritance_jump: np.float32  # log wealth
    wallet_reversion: np.float32
    wallet_satisfaction: np.float32  # logit a SD-month
    wallet_contact: np.float32  # logit an effective contact
    wallet_bond: np.float32  # logit that the wallet's mean is higher with a full bond
    money_brought: np.float32  # share of the wealth elsewhere that comes with a sale
    log_left_elsewhere: np.float32  # log(1 - that)
    wallet_yield: np.float32  # logit a pp-month
    wallet_multihoming: np.float32  # logit a month
    multihoming_digital: np.float32  # extra rate once app-active
    multihoming_preferred: np.ndarray  # factor on that by the channel liked best
    dormant_share: np.float32  # of the wallet kept when going dormant
    liquid_share: np.ndarray  # by tier
    # life events
    event_rate: np.float32  # a month
    relocation_part: np.float32  # of events
    inheritance_part: np.float32  # of events
    # service
    experience_digital: np.float32  # chance a month of a service experience, app-active
    experience_human: np.float32  # and of one with people, app-active
    experience_other: np.float32
    failure_digital: np.float32  # chance of a failure in such a month, app-active
    failure_human: np.float32  # and of one with people, app-active
    failure_other: np.float32
    app_weight: np.float32  # of an episode in the app, in feelings, over one with people
    app_spread: np.float32  # ratio on the spread of its quality
    quality_sd: np.float32
    failure_drop: np.float32  # perceived quality lost, SD
    double_deviation: np.float32  # factor on a failure while one is open
    complain_share: np.float32
    still_open: np.float32  # of an earlier failure: with more of it left, the next failure is a second one
    manager_share: np.float32  # of an experience that the manager shapes
    # feelings
    gain: np.float32
    loss: np.float32
    performance: np.float32  # satisfaction by quality itself, SD an experience
    expectation_speed: np.float32
    satisfaction_decay: np.float32
    tenure_anchor: np.float32  # months in which learning from one experience halves
    recovery_gain: np.float32
    pressure_dislike: np.float32
    pressure_from: np.float32  # contact pressure from which it is disliked
    trust_speed: np.float32
    breach: np.float32
    satisfaction_mu: np.float32  # closed form, of the baseline service law
    satisfaction_sd: np.float32
    trust_sd: np.float32
    engagement_memory: np.float32
    engagement_noise: np.float32  # of a month, around the customer's own mean
    failure_fading: np.float32  # a month
    # contacts
    pressure_memory: np.float32  # a month
    preferred_relief: np.float32  # factor on pressure in the preferred channel
    channel_change: np.float32  # factor on pressure in another channel than the last
    campaign_months: int  # after which offers answered with no are forgotten
    opt_out_rate: np.float32
    opt_out_slope: np.float32
    opt_out_months: np.float32
    attempt_decay: np.float32
    need_effect: np.float32
    skill_effect: np.float32
    event_need: np.float32  # factor on sales in a month with a life event
    near_threshold: np.float32
    near_threshold_effect: np.float32
    bond_step: np.float32
    bond_skill: np.float32  # ratio more of that for each SD of the manager's quality
    bond_fading: np.float32
    bond_conversion: np.float32  # log conversion of the own manager's offers at a full bond
    product_gain: np.ndarray  # own purchases a month, by tier
    product_loss: np.float32  # a product-month
    most_products: int
    reach: np.ndarray  # by channel
    conversion: np.ndarray  # by channel
    pressure: np.ndarray  # by channel, 1 / ideal number a quarter
    without_app: np.ndarray  # by channel: 1 = reaches those without the app too, 0 = it is in the app
    remote_calls: np.ndarray  # by channel: 1 = remote managers call there
    uplift: np.ndarray  # by uplift class: log hazard ratio while a retention contact works
    saved: np.ndarray  # by uplift class: part of the hazard it takes away, 1 - ratio
    retention_months: int
    lead_chance: np.float32  # a month that an app user with a manager shows interest, at mean need
    win_back: np.ndarray  # by tier: rate of coming back in the month of a win-back contact, -log(1-p)
    win_back_by: np.ndarray  # by tier: channel of that contact, int32
    transactions: np.float32  # mean a month
    transactions_slope: np.float32
    transactions_app: np.float32  # ratio of an app user's transactions
    # adoption
    adoption_intercept: np.float32
    adoption_usefulness: np.float32
    adoption_trust: np.float32
    adoption_age: np.float32
    adoption_age_from: np.float32  # years
    adoption_peers: np.float32
    adoption_on: np.float32  # 0 or 1
    affinity_mean: np.float32
    affinity_sd: np.float32
    # exits
    covariates_on: np.float32  # 0 or 1
    b_products: np.float32
    products_most: np.float32  # beyond the first, that still hold a customer
    b_satisfaction: np.float32
    b_trust: np.float32
    b_engagement: np.float32
    b_failure: np.float32
    b_bond: np.float32  # at a full bond
    b_gap: np.float32
    b_change_planned: np.float32  # of a manager change, while it lasts
    b_change_unplanned: np.float32
    gap_months: int
    b_app: np.float32
    b_yield: np.float32
    b_promotion: np.float32
    age_from: np.float32  # years
    age_lowest: np.float32  # decades from there
    age_highest: np.float32
    b_age: np.float32
    b_age_square: np.float32
    b_relocation: np.float32
    b_pressure: np.float32
    pressure_most: np.float32  # beyond which it does no more harm
    b_second_life: np.float32
    tier_change_months: int  # that a change of tier is felt
    b_demotion: np.ndarray  # by tier fallen to
    tenure_log: np.ndarray  # (tier, 6 bands), log multipliers
    dormant_close: np.float32  # rates -log(1-h)
    dormant_return: np.float32
    second_life_months: int
    # tiers
    threshold: np.ndarray  # lower bound by tier, CNY
    ceiling: np.ndarray  # upper bound by tier, CNY
    grace: np.ndarray  # months, int64
    markov: np.bool_
    # loyalty
    loyal_satisfaction: np.float32
    loyal_trust: np.float32
    loyal_bond: np.float32
    loyal_habit: np.float32
    habit_months: int  # of tenure, in which habit grows from -1 to 1
    habit_step: np.float32  # a month
    # revenue: `threshold` and `ceiling` bound the slices of AUM
    slice_rate: np.ndarray  # by slice: revenue of a CNY in it, a year
    product_base: np.float32  # CNY a year of a product beyond the first, without any AUM
    product_slope: np.ndarray  # by slice: and for each CNY of AUM in it


class Now(NamedTuple):
    """What holds this month: the environment's state, the levers, and what managers planned."""

    month: int
    word: np.uint64  # the month as a counter word
    key0: np.uint64
    key1: np.uint64
    close_rate: np.ndarray  # active, by tier, -log(1-h) after normalisation and levers
    dormant_rate: np.ndarray
    return_ratio: np.float32  # lever on reactivation
    market: np.ndarray  # log return of the month by tier
    market_growth: np.ndarray  # float64: AUM growth of the month from the market, by tier
    start: int  # month the first customers' wealth began to move
    growth_path: np.ndarray  # float64: AUM growth from drift by months since a customer's wealth began to move
    yield_gap: np.float32  # pp
    adoption_shift: np.float32  # log odds
    peers: np.float32  # app-active share less one half
    word_of_mouth: np.ndarray  # log hazard by tier
    quality_shift: np.ndarray  # SD, (2, tiers): without and with a named manager
    quality_sd_ratio: np.ndarray  # (2, 2): without and with a named manager, without and with the app
    expectation_rise: np.float32  # SD: what rivals' service adds to what customers expect
    failure_ratio: np.float32
    resolution: np.float32  # share of complaints resolved within the month
    push_share: np.float32  # share of campaign contacts that offer a product
    push_managers: np.float32  # of managers' contacts
    conversion_ratio: np.ndarray  # by tier
    campaign: np.ndarray  # (tier, channel) chance a month of a campaign contact
    hazard_ratio: np.ndarray  # log, by tier
    manager_quality: np.ndarray  # by post, SD
    handoff: np.float32  # log conversion of a contact that follows a lead
    synergy: np.float32  # log conversion of a contact in another channel than the last
    privacy: np.float32  # trust taken from the customer of mean digital affinity
    pressure_cap: np.float32  # campaigns make no contact that would lift the pressure above it
    outreach: np.float32  # chance a month of a remote manager's call in the lowest tier
    outreach_from: np.float32  # CNY: from this AUM on
    extra_grace: np.float32  # months before a demotion
    demotion_ratio: np.float32  # on the effect of a demotion
    welcoming: np.bool_  # new customers get welcome contacts
    welcome: np.ndarray  # by channel: chance a month of such a contact
    welcome_hazard: np.float32  # log HR of new customers whom one has reached
    welcome_adoption: np.float32  # log odds that they take up the app
    welcome_product: np.float32  # chance that the first one ends in a further product
    win_back: np.ndarray  # by tier: chance a month of a win-back contact to a dormant customer
    retain: np.ndarray  # (tier, channel) chance a month of a retention contact to those above the cut
    retain_cut: np.float32  # score, SD
    by_uplift: np.bool_  # the score is the uplift score, not the churn score
    targeting: np.float32  # share of campaigns that go by the offer score
    offer_cut: np.float32  # score, SD
    offer_boost: np.float32  # factor on the rate above the cut that keeps the number of contacts
    scored: np.bool_  # some campaign goes by scores
    score_word: np.uint64  # the quarter as a counter word
    know_churn: np.float32  # correlation of each score with the truth
    know_uplift: np.float32
    know_offer: np.float32
    risk_mean: np.ndarray  # by tier, of `risk` at month 0
    risk_sd: np.ndarray
    gain_mean: np.ndarray  # by tier, of what a retention contact takes off the hazard ratio
    gain_sd: np.ndarray
