"""A file that describes worker jobs of a batch system: what a site's own people know, in a dozen lines.

`read_cluster_file` gives the checked file or raises `BadInput` with all its mistakes, file, line and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.assumptions import Settings, part
from sim.errors import BadInput
from sim.slips import Slip, several

System = Literal["slurm", "pbs", "sge", "lsf", "htcondor", "moab", "oar"]
# what submits a job, what a site calls the project that pays, and keys that only some systems know
SUBMITS = {
    "slurm": "sbatch",
    "pbs": "qsub",
    "sge": "qsub",
    "lsf": "bsub",
    "htcondor": "condor_submit",
    "moab": "msub",
    "oar": "oarsub",
}
ACCOUNTS = {
    "slurm": "account",
    "pbs": "account",
    "moab": "account",
    "sge": "project",
    "lsf": "project",
    "oar": "project",
}
ONLY = {
    "queue": tuple(ACCOUNTS),
    "account": tuple(ACCOUNTS),
    "walltime": tuple(ACCOUNTS),
    "resources": ("pbs", "sge", "moab", "oar"),
    "disk": ("htcondor",),
}
_SIZE = re.compile(r"([0-9]+(?:[.][0-9]+)?) ?([KMGT])(i?)B")
_HOURS = re.compile(r"[0-9]{1,4}:[0-5][0-9]:[0-5][0-9]")
LEAST_MEMORY = 300e6  # bytes of a worker: libraries and compiled code alone take about 250 MB
SHORTEST = 300  # seconds of a job: a worker leaves up to two minutes before its end


def bytes_of(text: str) -> float:
    """Bytes of a size such as 16GB or 512 MiB; raises ValueError for other texts."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("a size with its unit, as 16GB or 512MiB")
    return float(match[1]) * (1024 if match[3] else 1000) ** ("KMGT".index(match[2]) + 1)


def _size(text: str) -> str:
    bytes_of(text)
    return text


def _hours(text: str) -> str:
    if _HOURS.fullmatch(text) is None:
        raise ValueError("hours:minutes:seconds, as 08:00:00")
    return text


Size = Annotated[str, AfterValidator(_size)]


class SchedulerPlace(Settings):
    """Where the scheduler, which lives in the driver's process, listens for workers."""

    host: str | None = Field(None, min_length=1, description="name or address of this machine as the nodes know it")
    port: int = Field(0, ge=0, le=65535, description="port; 0 takes a free one")


class ClusterFile(Settings):
    """Jobs of a batch system, each with some worker processes, started and replaced as long as a sweep needs them."""

    system: System = Field(description="the batch system")
    jobs: int = Field(ge=1, le=10_000, description="worker jobs wanted at a time")
    processes: int = Field(1, ge=1, le=1024, description="workers of a job, each a process that lives one unit at once")
    cores: int | None = Field(None, ge=1, le=1024, description="cores of a job (default: one a worker)")
    memory: Size = Field(description="memory of a job, shared evenly by its workers")
    walltime: Annotated[str, AfterValidator(_hours)] = Field("01:00:00", description="time limit of a job")
    queue: str | None = Field(None, min_length=1, description="queue or partition")
    account: str | None = Field(None, min_length=1, description="account or project that pays")
    interface: str | None = Field(None, min_length=1, description="network interface, as ib0")
    scheduler: SchedulerPlace = part(SchedulerPlace, "where the scheduler listens")
    tls: bool = Field(True, description="encrypt and authenticate between driver and workers")
    directives: list[str] = Field([], description="more lines for the head of the job script, without its #SBATCH")
    skip_directives: list[str] = Field([], description="lines of the head that hold one of these texts are left out")
    prologue: list[str] = Field([], description="shell lines before the workers: modules, an environment")
    python: str | None = Field(None, min_length=1, description="Python of the workers (default: the driver's)")
    local_directory: str | None = Field(None, min_length=1, description="disk of the node, as $TMPDIR")
    log_directory: str | None = Field(None, min_length=1, description="logs of jobs (default: jobs/ in the results)")
    resources: str | None = Field(None, min_length=1, description="resource line of PBS, SGE, Moab and OAR")
    disk: Size | None = Field(None, description="disk of a job, for HTCondor, which demands it")

    @model_validator(mode="after")
    def _fits_together(self) -> ClusterFile:
        found: list[Slip] = []
        for key, systems in ONLY.items():
            if key in self.model_fields_set and self.system not in systems:
                found.append(((key,), f"{self.system} has no {key}; {', '.join(systems)} have, or use directives"))
        if self.system == "htcondor" and self.disk is None:
            found.append((("system",), "htcondor needs disk; as disk: 2GB"))
        if self.cores is not None and self.cores < self.processes:
            found.append((("cores",), f"{self.cores} cores are too few for {self.processes} processes; one each"))
        share = bytes_of(self.memory) / self.processes
        if share < LEAST_MEMORY:
            least = f"{LEAST_MEMORY / 1e6:.0f} MB"
            found.append((("memory",), f"{self.memory} is {share / 1e6:.0f} MB a worker; at least {least} each"))
        if self.seconds < SHORTEST:
            found.append((("walltime",), f"{self.walltime} is too short; 00:05:00 or more, hours suit best"))
        for key in ("directives", "skip_directives", "prologue"):
            for i, line in enumerate(getattr(self, key)):
                if not line.strip() or "\n" in line:
                    found.append(((key, i), "one line of text is wanted; an item for each line"))
        for i, line in enumerate(self.directives):
            if line.lstrip().startswith("#"):
                found.append((("directives", i), f"{line[:30]!r} begins with #; leave the mark out, it is put there"))
        if found:
            raise several(found)
        return self

    @property
    def seconds(self) -> int:
        """The time limit of a job."""
        hours, minutes, seconds = (int(part) for part in self.walltime.split(":"))
        return hours * 3600 + minutes * 60 + seconds

    @property
    def lifetime(self) -> tuple[int, int]:
        """Seconds after which a worker leaves of itself, and their spread: all gone before the job is ended.

        The spread keeps jobs that began together from leaving together.
        """
        margin = min(max(self.seconds // 10, 60), 600)
        return self.seconds - margin - margin // 2, margin // 2


def read_cluster_file(path: str) -> tuple[ClusterFile, Callable[[str, str], BadInput]]:
    """The checked file, and what makes the error of a key out of a message; `BadInput` with every mistake."""
    from sim.yaml_source import load, validate

    source = load(path)

    def wrong(key: str, message: str) -> BadInput:
        file, line, column = source.address((key,))
        return BadInput.at(file, message, line=line, column=column, path=key)

    return validate(ClusterFile, source), wrong
