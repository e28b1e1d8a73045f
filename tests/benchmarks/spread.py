"""One bank over several workers, and a bank that lives in files: what it costs beside one that is whole in memory."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import Figure
from sides import NOW, Side, command
from sizes import GIGA, MILLION, Sizes

PART = "shards"
TITLE = "One bank over several workers, and in files"
SHARDS = (1, 2, 5)


def scenario(customers: int, months: int, burn_in: int, **population: Any) -> str:
    """A bank one to one that does nothing, one seed, as text."""
    return json.dumps(
        {
            "name": "spread",
            "months": months,
            "burn_in": burn_in,
            "seeds": [1],
            "population": {"customers": customers, **population},
            "arms": {"nothing": []},
        }
    )


def lived(side: Side, folder: Path, name: str, text: str, *more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the command took, and the manifest of the run."""
    file, out = folder / f"{name}.yaml", folder / name
    file.write_text(text)
    took = command(side, "run.py", str(file), "--quiet", "--out", str(out), *more)
    return took, json.loads((out / "manifest.json").read_text())


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Rates, bytes exchanged, and whether all came to the same."""
    now = next(side for side in sides if side.name == NOW)
    months, customers = max(sizes.months // 5, 2), sizes.customers
    text = scenario(customers, months, 2)
    with tempfile.TemporaryDirectory(prefix="rapport-spread-") as temporary:
        folder = Path(temporary)
        _, alone = lived(now, folder, "alone", text, "--threads", str(max(sizes.threads)))
        digests = {alone["result_digest"]}
        yield _rate("whole, in memory", alone)
        if (now.tree / "sim" / "exchange").is_dir():
            for shards in SHARDS:
                _, run = lived(now, folder, f"shards-{shards}", text, "--shards", str(shards))
                digests.add(run["result_digest"])
                yield _rate(f"{shards} shard{'s' * (shards > 1)}", run)
                yield from _exchange(shards, run, months + 2)
        if (now.tree / "sim" / "bank" / "stored.py").exists():
            stored = scenario(customers, months, 2, store=str(folder / "columns"))
            _, run = lived(now, folder, "stored", stored, "--threads", str(max(sizes.threads)))
            yield _rate("whole, in files", run)
            digests.add(run["result_digest"])
    yield Figure(PART, "the same digest of all of these", "1 = yes", {NOW: float(len(digests) == 1)}, aim="1")


def _rate(what: str, manifest: dict[str, Any]) -> Figure:
    rate = manifest["customer_months_per_second"] / MILLION
    return Figure(PART, what, "million customer-months/s", {NOW: rate})


def _exchange(shards: int, manifest: dict[str, Any], months: int) -> Iterator[Figure]:
    """What the hub counted, a month; bytes both ways, of a shard."""
    found = manifest.get("exchange", {})
    moved = sum(total for name, total in found.items() if name.startswith("bytes"))
    yield Figure(PART, f"bytes of a shard and month, {shards} shards", "bytes", {NOW: moved / shards / months})
    for name, total in found.items():
        if not name.startswith("bytes"):
            said = name.replace("_", " ")
            yield Figure(PART, f"{said} a month, {shards} shards", "", {NOW: total / months})


def huge(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Two hundred million customers through twelve months, in files: time, memory, room on the disk."""
    now = next(side for side in sides if side.name == NOW)
    customers, months = 200 * sizes.customers, sizes.months // 5
    what = f"{customers:,} customers x {months} months, in files"
    with tempfile.TemporaryDirectory(prefix="rapport-huge-") as temporary:
        folder = Path(temporary)
        text = scenario(customers, months, 0, store=str(folder / "columns"))
        with largest(folder / "columns") as disk:
            took, run = lived(now, folder, "huge", text, "--threads", str(max(sizes.threads)))
    rate = run["customer_months_per_second"] / MILLION
    yield Figure("huge", f"{what}: the whole command", "s", {NOW: took["seconds"]})
    yield Figure("huge", f"{what}: rate", "million customer-months/s", {NOW: rate})
    memory = f"{what}: peak memory, pages of files that the system may take back included"
    yield Figure("huge", memory, "GB", {NOW: took["peak_bytes"] / GIGA}, aim="24")
    yield Figure("huge", f"{what}: on the disk at most", "GB", {NOW: disk[0] / GIGA})


@contextmanager
def largest(folder: Path, every: float = 1.0) -> Iterator[list[int]]:
    """Bytes that the files of a folder take on the disk, the most that was seen."""
    seen, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(every):
            seen[0] = max(seen[0], sum(map(_on_disk, folder.rglob("*"))))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def _on_disk(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:  # gone while it was looked at
        return 0
