"""The figures of a report: what a strategist would show to a board.

`FIGURES` lists them in the order of the page. A figure function takes a `Board` (the tables of a run) and returns a
matplotlib Figure, whose label is its title and subtitle; it raises `NothingToShow` when the run has no data for it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from sim.reporting.figures.attribution import attribution
from sim.reporting.figures.beliefs import worth_by_world
from sim.reporting.figures.board import Board, NothingToShow
from sim.reporting.figures.cost_and_effect import cost_and_effect
from sim.reporting.figures.customers import attrition_by_tenure, attrition_by_tier, customer_flows
from sim.reporting.figures.decision import forest, tier_heat_map
from sim.reporting.figures.fates import fates, fates_by_group
from sim.reporting.figures.money import aum_and_net_new_money, economics
from sim.reporting.figures.pyramid import tier_pyramid, transitions
from sim.reporting.figures.reach import unserved
from sim.reporting.figures.service import contacts_and_utilisation, satisfaction_and_nps
from sim.reporting.figures.strategies import strategy_costs, strategy_maturity
from sim.reporting.figures.trajectories import trajectories
from sim.reporting.figures.waterfall import waterfall
from sim.reporting.figures.waves import customers_asked, staff_asked

DPI = 150


@dataclass(frozen=True)
class Plate:
    """One figure of a page: file name, how to draw it, its heading, how to read it, the section it belongs to."""

    name: str
    draw: Callable[..., Figure]
    heading: str
    caption: str
    section: str = "figures"


DECISION: tuple[Plate, ...] = (
    Plate(
        "forest",
        forest,
        "What each arm changes",
        "Each arm lived the same seeds as the reference, so most chance cancels in the difference. An interval that "
        "has zero in it means that the run cannot tell the arm from the reference. The intervals hold one by one: of "
        "twenty arms that do nothing, one interval would leave zero out by chance. What is filled has been corrected "
        "for how many are looked at.",
        section="decision",
    ),
    Plate(
        "waterfall",
        waterfall,
        "From where to where value comes",
        "Retention: who is still there and would not be (or the reverse), at what they own. Wallet: they keep more of "
        "their wealth here. Sales: more products each. Upgrades: what products earn more in a higher tier. What is "
        "spent more on service, managers and strategies is taken from it. Equity at the horizon: what the customers "
        "there are expected to bring from then on, discounted. The steps add up to the difference in value.",
        section="decision",
    ),
    Plate(
        "trajectories",
        trajectories,
        "When it changes",
        "Every arm starts from the same bank. What costs comes first and what pays comes later: a strategy that looks "
        "bad in its first year may be immature, one that flattens out has given what it has.",
        section="decision",
    ),
    Plate(
        "cost_and_effect",
        cost_and_effect,
        "What the effect costs",
        "The steeper the line, the more customers for the money. Where the intervals of two arms overlap, their order "
        "may be chance. Customers who bring little money count as much as others here; value does not treat "
        "them so.",
        section="decision",
    ),
    Plate(
        "tier_heat_map",
        tier_heat_map,
        "In which tier",
        "Tiers differ in size: a cell of a small tier can be large and uncertain. The bank's column is over all tiers.",
        section="decision",
    ),
    Plate(
        "attribution",
        attribution,
        "Which part did it",
        "A member's share is its mean contribution over all orders of putting the bundle together, so that the shares "
        "add up to the whole. Where a member alone brings less than its share, the others help it (synergy); where "
        "more, they take customers from one another.",
        section="decision",
    ),
    Plate(
        "fates",
        fates,
        "Whose fate it changes",
        "The same customers under the same luck, so a customer who closes in one arm and stays in the other was moved "
        "by the arm. Arms that touch many customers lose some whom nobody would have lost.",
        section="decision",
    ),
    Plate(
        "fates_by_group",
        fates_by_group,
        "Which customers",
        "Persuadables stay only if they are contacted, sure things stay anyway, lost causes go anyway, sleeping dogs "
        "go because they are contacted. Groups are those of month 0.",
        section="decision",
    ),
    Plate(
        "strategy_costs",
        strategy_costs,
        "What the strategies cost",
        "Nominal, not discounted. A budget for the first year is not one for the next: capital comes first, running "
        "cost grows with what is covered.",
        section="decision",
    ),
    Plate(
        "strategy_maturity",
        strategy_maturity,
        "How fast the strategies grow up",
        "People need time to learn and customers to notice. Effects follow maturity, costs do not wait for it.",
        section="decision",
    ),
)

BELIEFS: tuple[Plate, ...] = (
    Plate(
        "worth_by_world",
        worth_by_world,
        "What each arm is worth in other worlds",
        "Each world has its own values of all that nobody knows, drawn from what is plausible, and all arms live in it "
        "with the same luck. An arm whose points lie on both sides of zero hangs on what one believes. Worlds are "
        "simulated with fewer rows than the run, so part of the spread is luck: the diamond is what such a small bank "
        "shows under the scenario's own numbers.",
        section="beliefs",
    ),
)

REACH: tuple[Plate, ...] = (
    Plate(
        "unserved",
        unserved,
        "Where wishes for a contact end",
        "A strategy wishes, managers have hours, channels have room, customers have a telephone that they may not pick "
        "up. Only the blue pieces are customers whom somebody spoke to: where hours are short, to wish for twice as "
        "much reaches nobody, an hour does. Customers without a manager of their own are on nobody's list, so they are "
        "not among the wishes of managers.",
        section="unserved",
    ),
)

SURVEYED: dict[str, Plate] = {  # by who was asked
    "customers": Plate(
        "customers_asked",
        customers_asked,
        "What customers would say",
        "Above, what a bank would see: a sample, those of it who answer, and as people answer. Below, what no bank "
        "sees. Where the lines above move and those below do not, it is the survey that moves.",
        section="surveyed",
    ),
    "managers": Plate(
        "staff_asked",
        staff_asked,
        "What relationship managers would say",
        "Skills are self-rated: people know themselves only in part and answer before their employer, so that a "
        "gain in true skill shows weakly. The bank has few managers, and whoever was hired since is asked too.",
        section="surveyed",
    ),
}

FIGURES: tuple[Plate, ...] = (
    Plate(
        "attrition_by_tier",
        attrition_by_tier,
        "Who leaves",
        "Attrition counts an active customer who closes or goes dormant as lost: most bank customers leave silently. "
        "Each point looks back twelve months and divides those lost by the active customer-years lived. Customers who "
        "close while already dormant are not counted again.",
    ),
    Plate(
        "customer_flows",
        customer_flows,
        "Who comes and who goes",
        "Active customers grow by joiners and by dormant customers who come back, and shrink by closures and by "
        "customers who go dormant. Active and dormant together are the open customers.",
    ),
    Plate(
        "attrition_by_tenure",
        attrition_by_tenure,
        "When in the relationship they leave",
        "The hazard is the number who closed or went dormant at a tenure, over the customer-months at risk at that "
        "tenure. A falling curve has two causes that cannot be told apart here: relationships settle, and those who "
        "leave easily are gone. Bins with few customers are left empty.",
    ),
    Plate(
        "transitions",
        transitions,
        "Who moves between tiers",
        "Read along a row: where the customers of that state are a year later. A tier's row counts its active "
        "customers at the start of the year, whatever way they took in between.",
    ),
    Plate(
        "tier_pyramid",
        tier_pyramid,
        "The tier pyramid",
        "Customers are shown against month 0, because the lowest tier holds most customers and would hide the others. "
        "A small tier moves more by chance alone; the shares of AUM say what its moves are worth.",
    ),
    Plate(
        "aum_and_net_new_money",
        aum_and_net_new_money,
        "Assets and net new money",
        "AUM changes by net new money (own saving, joiners, leavers, money moved to and from rivals) and by the "
        "market; moves between tiers add up to nothing over the bank.",
    ),
    Plate(
        "economics",
        economics,
        "Revenue, cost and profit",
        "Profit is revenue less channel, manager and strategy cost; each cost is counted once. Values are nominal, not "
        "discounted.",
    ),
    Plate(
        "contacts_and_utilisation",
        contacts_and_utilisation,
        "Contacts and managers' time",
        "Outbound contacts only: what customers start themselves is not shown. Utilisation is the hours that a "
        "manager's book asks for, over client hours; above 100 % the quality of service falls.",
    ),
    Plate(
        "satisfaction_and_nps",
        satisfaction_and_nps,
        "Satisfaction",
        "Satisfaction is the model's latent value, not a survey's answer. Bad surprises weigh more than good ones, so "
        "uneven service alone lowers the mean.",
    ),
)


def plates(board: Board) -> list[Plate]:
    """The figures that suit a run: with several arms, those of the decision come first."""
    decision = [] if board.one_arm else [*DECISION, *(BELIEFS if board.believes else ())]
    return [*decision, *REACH, *(SURVEYED[who] for who in board.surveyed), *FIGURES]


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    options = {"compress_level": 3}  # half the time of the default, a tenth more bytes
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs=options)
    return buffer.getvalue()


def svg_text(figure: Figure) -> str:
    """The figure as SVG, the same text every time: no date, ids from the content, text as paths."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


__all__ = [
    "BELIEFS",
    "DECISION",
    "FIGURES",
    "REACH",
    "Board",
    "NothingToShow",
    "Plate",
    "attribution",
    "attrition_by_tenure",
    "attrition_by_tier",
    "aum_and_net_new_money",
    "contacts_and_utilisation",
    "cost_and_effect",
    "customer_flows",
    "economics",
    "fates",
    "fates_by_group",
    "forest",
    "plates",
    "png_bytes",
    "satisfaction_and_nps",
    "strategy_costs",
    "strategy_maturity",
    "svg_text",
    "tier_heat_map",
    "tier_pyramid",
    "trajectories",
    "transitions",
    "unserved",
    "waterfall",
    "worth_by_world",
]
