"""What a bank's own file holds, and a scenario that reads it: a proposal for the user to change, never a decision.

Rooms, each leaning on those before it: `looks` (cells), `profile` (a column), `tables` (a file), `vocabulary` (names),
`candidates` (which column is likely which field), `doubts`, `proposing` (a mapping), `writing` (its scenario),
`describing` (all of it).
"""

from sim.population.describe.describing import Description, describe

__all__ = ["Description", "describe"]
