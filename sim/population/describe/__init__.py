"""What a bank's own file holds, and a scenario that reads it: a proposal for the user to change, never a decision.

Rooms, each leaning on those before it: `vocabulary` (names), `looks` (cells), `people` (what is not shown), `profile`
(a column), `tables` (a file), `candidates` (which column is likely which field), `doubts`, `queries` and `joins` (the
SELECT that a book needs), `proposing` (a mapping), `writing` (its scenario), `describing` (all of it).
"""

from sim.population.describe.describing import Description, describe

__all__ = ["Description", "describe"]
