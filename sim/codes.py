"""The codes that customer columns hold, in one place for every floor above.

Values are small integers because they live in int8 columns and are read inside the kernel.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

ACTIVE: Final = 0
DORMANT: Final = 1
CLOSED: Final = 2  # also an unused row: joiners move into the rows of those who left

ChannelName = Literal["branch", "phone", "video", "messaging", "app"]
CHANNELS: Final[tuple[str, ...]] = get_args(ChannelName)  # at most 7: a customer's opt-outs are bits of an int8
BRANCH, PHONE, VIDEO, MESSAGING, APP = range(5)  # by name, for a strategy that means one of them

MULTIHOMER: Final = 1  # bits of `traits`: banks elsewhere too
ADVERSE: Final = 2  # further products cost more than they earn
REFERRED: Final = 4  # joined through a customer who recommended the bank
REDUCED: Final = 8  # fell asleep and left only a part of the wallet here
BROWSED: Final = 16  # showed interest in the app last month

UPLIFT_CLASSES: Final = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")

NOBODY: Final = -1  # no manager, no contact planned
CHANNEL_BITS: Final = 7  # in a plan the channel of a contact stands in the lowest three bits, its purpose above:
RETENTION: Final = 8  # meant to keep the customer; offers nothing
LEAD: Final = 16  # follows interest the customer showed in the app
PROPOSED: Final = 32  # a strategy asked for it; without it, it is a contact that was due

# A wish to contact a customer in a month: what for, and what became of it, in the order in which it can be lost.
WISHES: Final = ("due", "offer", "retention", "lead", "campaign", "campaign_retention", "welcome", "win_back")
DUE, OFFER, KEEP, FOLLOW, CAMPAIGN, CAMPAIGN_KEEP, CAMPAIGN_WELCOME, WIN_BACK = range(len(WISHES))
REACH: Final = ("opted_out", "pressure", "no_hour", "no_capacity", "not_reached", "declined", "answered")
SILENCED, SPARED, NO_HOUR, NO_CAPACITY, MISSED, DECLINED, ANSWERED = range(len(REACH))
LOST: Final = -2  # from here down a wish that was lost: LOST - what became as a channel; in a plan, with 4 x what for
SENIOR: Final = 60  # years from which on a customer counts among the older ones
AGES: Final = ("under_60", "60_plus")
APP_USE: Final = ("no_app", "app")
REACH_GROUPS: Final = len(AGES) * len(APP_USE)  # 2 x age + app
KEPT, UPGRADED, DOWNGRADED, OPTED_OUT, FELL_ASLEEP, GONE = range(6)  # what has become of a customer of month 0
JOINED_THIS_YEAR: Final = 127  # `year_start` of somebody who was not a customer then

# Purposes of a draw: the fourth counter word. A purpose never changes its number: that would change everybody's draws.
DRAW_LIFE: Final = 0
DRAW_SERVICE: Final = 1
DRAW_CONTACT: Final = 2
DRAW_DIGITAL: Final = 3
DRAW_MARKOV: Final = 4  # tier move in Markov mode, destination AUM
DRAW_BIRTH: Final = 16  # initial values: 16..31 belong to the population
DRAW_JOINERS: Final = 32  # how many join
DRAW_MANAGER: Final = 48  # 48..63 belong to managers: keyed by post and hire number in place of the customer
DRAW_PLAN: Final = 64  # channel of a planned contact
DRAW_PANEL: Final = 65  # who is tracked
DRAW_SCORE: Final = 66  # noise of the bank's scores, redrawn each quarter
DRAW_ASSIGN: Final = 67  # which arm a rule gives a customer of month 0 (counterfactuals)
DRAW_PILOT: Final = 70  # which customers a pilot holds
DRAW_INITIAL: Final = 80  # attitudes drawn from answers: 80..95 belong to a bank out of a survey
DRAW_SURVEY: Final = 128  # 128..143 belong to questionnaires; items and constructs have purposes from 2**30 on

# The four uniforms of each purpose that the kernel draws, by name and in their order, which never changes either.
LANES: Final = {
    DRAW_LIFE: ("shock", "engagement", "exit", "event"),  # wealth shock, engagement, leaving, life event
    DRAW_SERVICE: ("experience", "quality", "failure", "complaint"),
    DRAW_CONTACT: ("reach", "sale", "opt_out", "product"),  # product: own purchase, or one given up
    DRAW_DIGITAL: ("adopt", "campaign", "use", "push"),  # use: transactions; push: offer or care
    DRAW_SCORE: ("churn_noise", "uplift_noise", "offer_noise", "no_noise"),  # the last decides nothing
}
