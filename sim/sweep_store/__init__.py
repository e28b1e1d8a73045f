"""A sweep's folder on disk and read back: rows kept as they come, one sorted table at the end; knows nothing of banks.

`folder` is the life of a sweep's folder (`SweepStore`), `opening` whether a folder may be used, `reading` what others
read (`read_sweep`, `StoredSweep`), `rows` the tables: parts, which row of a task counts, the order of rows, the
digest; `lock` one driver at a time.
"""

from sim.manifest import STATUSES
from sim.sweep_store.folder import SweepStore
from sim.sweep_store.reading import MANIFEST_KEYS, StoredSweep, changed_files, read_sweep, read_sweep_manifest
from sim.sweep_store.rows import part_name, tasks_digest

__all__ = [
    "MANIFEST_KEYS", "STATUSES", "StoredSweep", "SweepStore", "changed_files", "part_name", "read_sweep",
    "read_sweep_manifest", "tasks_digest",
]  # fmt: skip
