"""Attitudes of as many customers as a bank has, going together as those of the respondents do: a Gaussian copula.

Constructs, age and tier are standard normal behind their ranks; what is drawn for a customer is normal given the age
and the tier. Of a score only the reliable part is a customer's: about the mean it is drawn with the root of the
reliability (SPEC 8.1), so its variance is the reliability, while what two constructs share is what their scores share,
since errors share nothing (Lord & Novick 1968). So drawn columns correlate as the constructs do, attenuation taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sim.codes import DRAW_INITIAL
from sim.kernel.numerics import uniforms

LANES = 4  # uniforms of one draw
PURPOSES = 16  # kept for this in `sim.codes`


@dataclass(frozen=True)
class Joint:
    """What is drawn: by name, standard normal with `correlation`, float64 (given + drawn, given + drawn), given first.

    `mean` and `sd`, float64 (drawn,), are the bank's, on the scale on which those who answered have 0 and 1;
    `reliability`, float64 (drawn,), is what of a score's variance is a person's.
    """

    given: tuple[str, ...]
    drawn: tuple[str, ...]
    correlation: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    reliability: np.ndarray

    def draw(self, known: np.ndarray, uid: np.ndarray, seed: int = 0) -> np.ndarray:
        """The believed part of every score, float64 (customers, drawn), SD of those who answered.

        `known`, float64 (customers, given), are standard normal scores of age and tier; draws are keyed by `uid`.
        """
        k = len(self.given)
        if len(self.drawn) > LANES * PURPOSES:
            raise ValueError(f"{len(self.drawn)} columns are more than there is luck for")
        by = (
            np.linalg.solve(self.correlation[:k, :k], self.correlation[:k, k:]) if k else np.zeros((0, len(self.drawn)))
        )
        left = self.correlation[k:, k:] - self.correlation[k:, :k] @ by
        values, vectors = np.linalg.eigh((left + left.T) / 2.0)
        root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
        luck = [uniforms(seed, DRAW_INITIAL + j, 0, uid) for j in range(-(-len(self.drawn) // LANES))]
        alone = ndtri(np.concatenate(luck)[: len(self.drawn)].astype(np.float64)) if luck else np.empty((0, uid.size))
        latent = known @ by + (root @ alone).T
        return self.mean + np.sqrt(self.reliability) * self.sd * latent
