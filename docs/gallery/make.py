"""Make the pictures of docs/gallery.md anew: `python docs/gallery/make.py FOLDER` (minutes; FOLDER keeps the runs)."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sim.cli import main  # noqa: E402

PICTURES = ROOT / "docs" / "images" / "gallery"
WIDTH, COLOURS = 840, 64
BANK = ("--set", "population.customers=100000", "--quiet")


def run_all(into: Path) -> None:
    """The run with what its bundle is made of, the sweep and the optimisation that the pictures are of."""
    run, sweep, optimum = (str(into / name) for name in ("run", "sweep", "optimum"))
    small = ("--set", "population.agents=2000", "--set", "optimise.candidates=30", "--set", "optimise.generation=10")
    for words in (
        ("run", "baseline", *BANK, "--set", "population.agents=10000", "--seeds", "4", "--out", run),
        ("attribute", "baseline", *BANK, "--arm", "four_strategies", "--agents", "4000", "--seeds", "3", "--into", run),
        ("run", str(Path(__file__).with_name("drivers.yaml")), "--quiet", "--out", sweep),
        ("optimise", "best_mix", "--quiet", *small, "--set", "optimise.confirm.count=10", "--out", optimum),
    ):
        if code := main(words):
            raise SystemExit(code)


def shrink(into: Path) -> None:
    """Every figure that was drawn, smaller and with few colours; those of an arm under the name of their kind."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for figure in sorted(into.rglob("figures/*.png")):
        name = figure.stem.removesuffix("_digital")
        with Image.open(figure) as drawn:
            size = (WIDTH, round(drawn.height * WIDTH / drawn.width))
            small = drawn.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if not folder.exists():
        run_all(folder)
    shrink(folder)
