"""Numbers of the model from data: the posterior's file, inference on problems of known answers, and its checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.calibration.posterior import Made, Marginal, Posterior, read_posterior, write_posterior
from sim.errors import BadInput


def posterior() -> Posterior:
    paths = ("managers.turnover", "population.laws[0]")
    one = Marginal(unit="1/year", prior=(0.0, 1.0), mean=0.25, sd=0.0125, interval=(0.2, 0.3), informed=0.9)
    return Posterior(
        name="departures",
        parameters=dict.fromkeys(paths, one),
        point=dict.fromkeys(paths, 0.25),
        draws=[[0.25, 1e-7], [0.1 + 0.2, 3.0]],
        made=Made(calibration="departures", digest="a" * 64, method="regression", checks={"sbc": True, "p": 0.5}),
    )


class TestThePosteriorsFile:
    def test_it_reads_back_to_the_last_bit_and_is_the_same_bytes_twice(self, tmp_path: Path) -> None:
        first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
        write_posterior(first, posterior())
        write_posterior(second, read_posterior(first))
        assert read_posterior(first) == posterior()
        assert first.read_bytes() == second.read_bytes()
        assert first.read_text().endswith("draws:\n  - [0.25, 1.0e-07]\n  - [0.30000000000000004, 3.0]\n")

    @pytest.mark.parametrize(
        ("old", "new", "where", "what"),
        [
            ("informed: 0.9", "informed: 1.9", ":10:15", "a number from 0 to 1"),
            ("[0.25, 1.0e-07]", "[0.25]", "draws[0]", "2, as parameters has"),
            ("name: departures", "nam: departures", ":3:1", "did you mean name"),
            ("point: {managers.turnover", "point: {managers.turn", "point", "in both"),
        ],
    )
    def test_a_mistake_has_its_address(self, tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
        file = tmp_path / "posterior.yaml"
        write_posterior(file, posterior())
        file.write_text(file.read_text().replace(old, new, 1))
        with pytest.raises(BadInput) as bad:
            read_posterior(file)
        assert where in str(bad.value)
        assert what in str(bad.value)
