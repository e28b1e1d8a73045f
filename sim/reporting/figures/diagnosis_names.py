"""How measures of a diagnosis are called and in what unit they are told."""

from __future__ import annotations

from sim.measures.catalogue import KPIS, label
from sim.survey.diagnosis import Measure

NAMES = {
    "complaints_per_customer": "Complaints, per 100 customers",
    "failures_per_customer": "Failures of service, per 100 customers",
    "complaints_per_failure": "Complaints per failure",
    "quality_met": "Quality of service met",
    "complaints_resolved": "Complaints solved in 72 hours",
    "service_gap": "Service gap: met less expected",
    "nps_asked": "Net promoter score, as asked",
    "share_of_customers": "Share of customers",
    "share_of_aum": "Share of AUM",
    "joined_per_customer": "New customers",
    "aum_exited_annual": "AUM that left with customers",
    "top_share": "AUM of the richest 2.12 %",
    "products": "Products per customer",
    "answered_share": "Contacts answered",
    "declined_share": "Offers declined, of those spoken to",
    "held_back_share": "Wishes held back as too many",
    "opted_out_wishes": "Wishes to who had opted out",
    "no_hour_share": "Wishes without a manager's hour",
    "months_answered": "Months with an answered contact",
    "above_ideal_share": "Months with more contacts than ideal",
    "professional_skill": "Professional skill when hired, true",
    "digital_skill": "Digital skill when hired, true",
    "fatigue": "Fatigue of managers",
    "managed_share": "Customers with a named manager",
    "exits_after_manager_left": "Customers lost after a manager left",
}
PERCENT = {"joined_per_customer", "aum_exited_annual", *(name for name, kpi in KPIS.items() if kpi.percent)}
HUNDRED = {"failures_per_customer", "complaints_per_customer"}  # told per hundred customers


def name_of(one: Measure) -> str:
    """A measure's name for people."""
    kind, _, construct = one.measure.partition("_")
    if kind == "asked" and construct:
        return f"{one.about.split(',')[0]}, as asked"
    if kind == "true" and construct:
        return f"{construct.capitalize()} skill of those asked, true"
    if one.measure.startswith("self_knowledge_"):
        return f"Self-rated against true {one.measure.removeprefix('self_knowledge_')} skill"
    return NAMES.get(one.measure) or label(one.measure)


def scaled(one: Measure) -> tuple[float, str, int]:
    """What its values are multiplied by, the unit in words, and most decimals."""
    if one.measure in HUNDRED:
        return 100.0, "per 100 a year", 1
    if one.unit == "share" or one.measure in PERCENT:
        return 100.0, "% a year" if one.unit == "per year" else "%", 1
    if one.unit == "per year":
        return 1.0, "a year", 2
    return 1.0, {"sd": "SD", "index": "", "ratio": "", "points": "points"}.get(one.unit, one.unit), 2
