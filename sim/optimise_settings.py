"""The optimise section of a scenario."""
