"""The matte's parts on inputs whose answer is known exactly."""

import itertools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from worker.engines.silhouette import codebook
from worker.engines.silhouette.border import Border
from worker.engines.silhouette.mincut import min_cut

Array = npt.NDArray[Any]

NOWHERE = np.zeros((3, 3), np.bool_)


def test_clear_evidence_decides_over_dear_edges() -> None:
    evidence = np.random.default_rng(1).uniform(-1, 1, (40, 40))
    cut = min_cut(evidence, np.zeros((40, 40, 2), np.uint8), np.zeros((40, 40), np.bool_), weight=600)
    # Eight neighbours cost at most 4 x 50 + 4 x 50 / sqrt 2.
    clear = abs(evidence) > 0.6
    assert (cut == (evidence > 0))[clear].all()


def test_the_cut_is_the_cheapest_of_all() -> None:
    rng = np.random.default_rng(5)
    for _ in range(8):
        evidence = np.round(rng.uniform(-1, 1, (3, 3)) * 40) / 40
        guide = rng.integers(0, 40, (3, 3, 2)).astype(np.uint8)
        weight = 60.0
        found = min_cut(evidence, guide, NOWHERE, weight)
        assert _cost(found, evidence, guide, weight) == pytest.approx(
            min(
                _cost(np.reshape(labels, (3, 3)), evidence, guide, weight)
                for labels in itertools.product([False, True], repeat=9)
            ),
            abs=1e-3,
        )


def _cost(cut: Array, evidence: Array, guide: Array, weight: float) -> float:
    """What the docstring of `min_cut` promises, with the edge weights of GrabCut's paper."""
    told = np.dstack([np.floor((evidence + 1) * 40), guide]).astype(np.float64)
    pairs = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for y, x in itertools.product(range(3), range(3)):
            if 0 <= y + dy < 3 and 0 <= x + dx < 3:
                pairs.append(((y, x), (y + dy, x + dx)))
    squares = [((told[a] - told[b]) ** 2).sum() for a, b in pairs]
    beta = 1 / (2 * np.mean(squares))
    between = sum(
        50 / np.hypot(a[0] - b[0], a[1] - b[1]) * np.exp(-beta * square)
        for (a, b), square in zip(pairs, squares, strict=True)
        if cut[a] != cut[b]
    )
    seen = told[..., 0] / 40 - 1
    return float(between - (np.where(cut, 1, -1) * seen).sum() * weight / 2)


def test_what_is_surely_background_stays_so() -> None:
    background = np.zeros((20, 20), np.bool_)
    background[:5] = True
    cut = min_cut(np.ones((20, 20)), np.zeros((20, 20, 2), np.uint8), background, weight=30)
    assert not cut[background].any()
    assert cut[6:].all()
    assert not min_cut(-np.ones((9, 9)), np.zeros((9, 9, 2), np.uint8), np.zeros((9, 9), np.bool_), 30).any()


def test_a_surface_of_rows_and_columns_is_spanned_exactly() -> None:
    y, x = np.mgrid[-1:1:120j, -1:1:160j]
    wall_and_floor = 60 + 25 / (1 + np.exp(-9 * (y - 0.2)))
    lab = np.dstack([wall_and_floor + 6 * x * x, 3 * x, 4 * y * y - x]).astype(np.float32)
    border = Border.of(lab)
    # The sides are averaged over the border's width, which bends of the surface do not survive exactly.
    assert abs(border.spanned() - lab).max() < 1
    assert border.interruptions() == (0, 0.0)


def test_interruptions_of_the_border_are_counted() -> None:
    lab = np.zeros((200, 200, 3), np.float32)
    lab[..., 0] = 80
    lab[150:, 60:140] = 30
    count, share = Border.of(lab).interruptions()
    assert count == 2
    assert share == pytest.approx(80 / 800, abs=0.01)
    lab[:20, :30] = 30
    assert Border.of(lab).interruptions()[0] == 4


def test_words_know_their_kin_and_their_shadows() -> None:
    rng = np.random.default_rng(3)
    rgb = np.zeros((60, 90, 3), np.float32)
    light = np.array([0.8, 0.6, 0.4])
    rgb[:, :30], rgb[:, 30:60], rgb[:, 60:] = light, light * 0.6, (0.1, 0.2, 0.9)
    rgb = np.clip(rgb + rng.normal(0, 0.004, rgb.shape), 0, 1).astype(np.float32)
    space = codebook.features(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab))
    book = codebook.learn(space)
    codes = book.read(space)
    lit = np.zeros((60, 90), np.bool_)
    lit[:, :30] = True
    density, shaded = book.density(codes, lit), book.density_in_shadow(codes, lit)
    assert density.sum() == pytest.approx(1)
    of_lit, of_shadow, of_blue = (codes[30, column] for column in (15, 45, 75))
    assert density[of_lit] > 20 * density[of_shadow]
    assert shaded[of_shadow] > 20 * max(density[of_shadow], shaded[of_blue])
