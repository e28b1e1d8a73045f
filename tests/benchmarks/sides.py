"""Two trees of the project side by side: processes of each are asked in turn, so that both meet the same machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BEFORE, NOW = "before", "now"
Round = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One tree: its folder, what it is called, the commit it stands at, where its compiled code is kept."""

    name: str
    tree: Path
    commit: str
    cache: Path | None = None

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of this side is started with: its own `sim` and `tests`, one thread a library.

        Python keeps what it has read of modules, as it does for users.
        """
        path = os.pathsep.join([str(self.tree), str(self.tree / "tests"), str(HERE)])
        own = {} if self.cache is None else {"NUMBA_CACHE_DIR": str(self.cache)}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | threads | {"PYTHONPATH": path} | own | more


def commit_of(tree: Path) -> str:
    """The commit a tree stands at, with a plus where files differ from it."""
    try:
        commit = git("rev-parse", "--short", "HEAD", tree=tree)
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "sim", tree=tree)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def git(*words: str, tree: Path = ROOT) -> str:
    """What git says, without the line's end."""
    return subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def sides(against: str | None) -> Iterator[list[Side]]:
    """This tree, and before it the one it is held against: a folder as it stands, or a commit in a worktree of its own.

    A commit is checked out in a temporary folder, where its compiled code is kept too; both are gone afterwards.
    """
    now = Side(NOW, ROOT, commit_of(ROOT))
    if against is None:
        yield [now]
    elif Path(against).is_dir():
        tree = Path(against).resolve()
        yield [Side(BEFORE, tree, commit_of(tree)), now]
    else:
        commit = git("rev-parse", "--short", "--verify", f"{against}^{{commit}}")
        with tempfile.TemporaryDirectory(prefix="rapport-before-") as folder:
            tree = Path(folder) / "tree"
            git("worktree", "add", "--detach", str(tree), commit)
            try:
                yield [Side(BEFORE, tree, commit, Path(folder) / "cache"), now]
            finally:
                git("worktree", "remove", "--force", str(tree))


Asked = tuple[Side, str, Mapping[str, Any]]  # who lives it, the name of a job of `jobs.py`, its options


class Process:
    """A process of one side with some jobs; their rounds come when asked for."""

    def __init__(self, side: Side, jobs: Sequence[tuple[str, Mapping[str, Any]]]):
        self.tree = side.tree
        line = [sys.executable, str(HERE / "jobs.py"), json.dumps(jobs)]
        self.process = subprocess.Popen(
            line, env=side.environment(), cwd=side.tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def next(self, number: int) -> Round:
        """One more round of a job; the first is what it was ready with."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(number, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a job in {self.tree} broke; its error is above")
        answer: Round = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        self.process.communicate()


def command(side: Side, *words: str, **environment: str) -> Round:
    """Seconds, processor seconds and largest resident bytes of `python WORDS` in a side's tree, children included."""
    line = [sys.executable, *words]
    began = perf_counter()
    process = subprocess.Popen(
        line, env=side.environment(**environment), cwd=side.tree, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} in {side.tree}: {said.decode().strip()[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * unit,
    }


def interleaved(asked: Sequence[Asked], rounds: int, *, together: bool = False) -> list[list[Round]]:
    """Rounds of several jobs in turn: first the first of each, then the second; by job, what it was ready with at 0.

    Each has a process of its own; `together`, those of a side share one, which is quicker to start.
    """
    with ExitStack() as stack:
        running: list[tuple[Process, int]] = []
        shared: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        processes: dict[str, Process] = {}
        for side, name, options in asked:
            shared.setdefault(side.name, []).append((name, options))
        for side, name, options in asked:
            if together and side.name in processes:
                process = processes[side.name]
            else:
                process = Process(side, shared[side.name] if together else [(name, options)])
                stack.callback(process.close)
                processes[side.name] = process
            running.append((process, shared[side.name].index((name, options)) if together else 0))
        found: list[list[Round]] = [[] for _ in asked]
        for _ in range(rounds + 1):
            for (process, number), heard in zip(running, found, strict=True):
                heard.append(process.next(number))
    return found


def median(values: Sequence[float]) -> float:
    """Of any values, the middle one."""
    return float(statistics.median(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of rounds that were measured one after the other."""
    return median([a / b for a, b in zip(above, below, strict=True)])
