"""Sweeps: many points of a scenario, every one of them kept although machines die."""
