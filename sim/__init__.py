"""Rapport: an agent-based simulator of customer relationship strategies in retail banking."""

__version__ = "0.1.0"
