"""What answers say, simulated or real alike: `analyse` asks every room here and hands back tables, notes and facts."""

from sim.survey.analysis.asking import Analysis, analyse
from sim.survey.analysis.quality import Rule

__all__ = ["Analysis", "Rule", "analyse"]
