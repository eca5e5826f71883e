"""Cuts out what stands amid a busy background, by models of both that are learnt from the picture.

The scheme is GrabCut's (Rother et al. 2004): guess, learn what object and background look like, cut, and
again until nothing changes. The models are counts over a codebook of the picture's own colours instead
of five Gaussians each, for backgrounds of many colours are the point here. Beside colour they count
smoothness, and a background may lie in a shadow. The Gaussians are asked too where the counts lead to
something of an odd size.
"""

from collections.abc import Callable

import cv2
import numpy as np

from worker.engines.silhouette import codebook
from worker.engines.silhouette.arrays import Bytes, Field, Indices, Mask
from worker.engines.silhouette.mincut import min_cut
from worker.engines.silhouette.morphology import disk

SIDE = 192
"""Longer side at which the models are learnt; the last cut is made at the picture's own size."""

ROUNDS = 7

FRAME = 0.03
"""So much of the picture along its border is surely background, relative to its shorter side."""

FIRST_GUESS = 0.55
"""The object is first thought to be this ellipse, relative to the picture."""

SECOND_GUESS, RARER, BORDER = 0.75, 0.8, 0.1
"""Or what of this ellipse shows colours so much rarer within this share of the border than overall."""

AGREEMENT = 0.3
"""Where the two agree on less than this of the first, the first is believed."""

TYPICAL_SHARE, DOUBT = 0.22, 0.3
"""How much of a picture its object covers, and the logarithm of the factor from which on a mask seems odd."""

TRUST = 3.0
"""Log-likelihood ratios count up to this."""

SMOOTHNESS_BINS = 12
"""Each two thirds of an octave."""

TEXTURE_SHARE, TEXTURE_TRUST = 0.6, 1.5
"""How much smoothness counts beside colour, and up to which log-likelihood ratio."""

RARE_INSIDE, RARE_OUTSIDE = 0.002, 0.015
"""Added to densities. What is common nowhere is rather background: objects have few colours."""

CUT_WEIGHT = 30.0
"""See `min_cut`: what evidence of TRUST is worth."""

CENTRED = 1.0
"""How much the middle of the picture is favoured at first; the favour ends by the fourth round."""

GROUND = 0.55
"""Shadows fall on what lies lower than this share of the object's height."""


def grabcut(rgb: Bytes, lab: Field, check: Callable[[], None]) -> Mask:
    """The object's mask, at the size of `rgb` and `lab` (h, w, 3); empty where nothing can be told apart.

    `check` is called between steps and may raise.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(4, round(width * scale)), max(4, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    amid = _Learner(small, cv2.resize(lab, size, interpolation=cv2.INTER_AREA))
    one = _settle(amid, amid.central_guess(), check)
    other = _settle(amid, amid.unlike_border_guess(), check)
    # Two ways to go wrong seldom agree: what only one of them took for the object mostly is not.
    agreed = one & other
    mask = agreed if agreed.sum() > AGREEMENT * one.sum() else one
    if mask.any() and _oddness(mask) > DOUBT:
        by_gaussians = amid.central_parts(_gaussians(small, check))
        if _oddness(by_gaussians) < _oddness(mask) - DOUBT:
            mask = by_gaussians
    check()
    return amid.refine(mask, rgb, lab) if mask.any() else np.zeros((height, width), np.bool_)


def _oddness(mask: Mask) -> float:
    """How far the mask is from the size that objects have in pictures of them, as a factor's logarithm."""
    return abs(float(np.log((mask.mean() + 1e-6) / TYPICAL_SHARE)))


def _gaussians(rgb: Bytes, check: Callable[[], None]) -> Mask:
    """GrabCut as it was published, from a large guess amid the picture.

    Counts lose an object of many materials piece by piece to a background that shares some of its colours;
    five Gaussians are too coarse for that.
    """
    height, width = rgb.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    labels = np.where((x / 0.8) ** 4 + (y / 0.8) ** 4 < 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[_frame(height, width, FRAME)] = cv2.GC_BGD
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)  # its k-means starts from OpenCV's generator; results must repeat
    mode = cv2.GC_INIT_WITH_MASK
    for _ in range(ROUNDS):
        check()
        if not (labels & 1).any():
            break  # a colour model of nothing can't be learnt
        cv2.grabCut(bgr, labels, (0, 0, 0, 0), background, foreground, 1, mode)
        mode = cv2.GC_EVAL
    mask: Mask = (labels & 1) > 0
    return mask


def _settle(amid: "_Learner", mask: Mask, check: Callable[[], None]) -> Mask:
    """Learns and cuts until nothing changes; empty where that leads to nothing."""
    for turn in range(ROUNDS):
        check()
        if not mask.any():
            break
        previous, mask = mask, amid.cut(mask, favour=CENTRED * max(0.0, 1 - turn / 3))
        if (mask == previous).mean() > 0.999:
            break
    return mask


class _Learner:
    """A small picture and the models of what is in it."""

    def __init__(self, rgb: Bytes, lab: Field) -> None:
        height, width = lab.shape[:2]
        self._guide = _guide(rgb)
        self._features = codebook.features(lab)
        self._book = codebook.learn(self._features)
        self._codes = self._book.read(self._features)
        self._smoothness = _smoothness(lab)
        self._rows, self._columns = np.meshgrid(
            np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
        )
        self._off_centre: Field = np.hypot(self._rows, self._columns)
        self._frame = _frame(height, width, FRAME)

    def central_guess(self) -> Mask:
        """An ellipse amid the picture."""
        guess: Mask = self._off_centre < FIRST_GUESS
        return guess

    def unlike_border_guess(self) -> Mask:
        """What of a larger ellipse has words that are rarer near the picture's border than elsewhere."""
        height, width = self._codes.shape
        border = _frame(height, width, BORDER)
        overall = self._book.density(self._codes, np.ones_like(border))
        rarity = self._book.density(self._codes, border) / np.maximum(overall, 1e-9)
        guess: Mask = (rarity[self._codes] < RARER) & (self._off_centre < SECOND_GUESS)
        return guess

    def cut(self, mask: Mask, favour: float) -> Mask:
        """The next mask, by models learnt from this one; empty where that shows too little."""
        lit, shaded, texture = self._learn(mask)
        ratios = np.where(_ground(mask), shaded[self._codes], lit[self._codes]) + texture[self._smoothness]
        centred = favour * (1 - 2 * np.clip(self._off_centre, 0, 1.3) ** 2)
        evidence = (np.clip(ratios, -TRUST, TRUST) + centred) / (TRUST + favour)
        evidence = cv2.GaussianBlur(evidence.astype(np.float32), (0, 0), 0.8)
        return self.central_parts(min_cut(evidence, self._guide, self._frame, CUT_WEIGHT))

    def refine(self, mask: Mask, rgb: Bytes, lab: Field) -> Mask:
        """The mask at the size of a larger picture of the same: only its edge is cut anew."""
        height, width = lab.shape[:2]
        lit, shaded, texture = self._learn(mask)

        def enlarged(field: Field) -> Field:
            return cv2.resize(field.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)

        near = cv2.dilate(mask.astype(np.uint8), disk(2))
        core = cv2.erode(mask.astype(np.uint8), disk(2), borderValue=0)
        space = np.dstack(
            [cv2.GaussianBlur(lab, (0, 0), 0.7) * codebook.SCALE, enlarged(self._features[..., 3])]
        )
        codes = self._book.read(space)
        ratios = np.where(enlarged(_ground(mask)) > 0.5, shaded[codes], lit[codes])
        ratios = np.clip(ratios + enlarged(texture[self._smoothness]), -TRUST, TRUST) / TRUST
        evidence = np.where(enlarged(core) > 0.5, 1, ratios)
        return min_cut(evidence, _guide(rgb), enlarged(near) < 0.5, CUT_WEIGHT)

    def _learn(self, mask: Mask) -> tuple[Field, Field, Field]:
        """Log-likelihood ratios of object to background: of each word, of each in a shadow, of smoothness."""
        row, column = self._rows[mask].mean(), self._columns[mask].mean()
        nearness = np.exp(-((self._rows - row) ** 2) - (self._columns - column) ** 2)
        inside = self._book.density(self._codes, mask * nearness) + RARE_INSIDE
        outside = self._book.density(self._codes, ~mask)
        lit = np.log(inside / (outside + RARE_OUTSIDE))
        in_shadow = np.maximum(outside, self._book.density_in_shadow(self._codes, ~mask))
        shaded = np.log(inside / (in_shadow + RARE_OUTSIDE))

        counts = (np.bincount(self._smoothness[part], minlength=SMOOTHNESS_BINS) for part in (mask, ~mask))
        smooth_in, smooth_out = (
            cv2.GaussianBlur(n / max(n.sum(), 1), (0, 0), 1.0).ravel() + 0.002 for n in counts
        )
        texture = TEXTURE_SHARE * np.clip(np.log(smooth_in / smooth_out), -TEXTURE_TRUST, TEXTURE_TRUST)
        return lit, shaded, texture

    def central_parts(self, mask: Mask) -> Mask:
        """The parts that weigh most, seen from the middle."""
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        if count <= 2:
            return mask
        weights = np.bincount(labels.ravel(), np.exp(-2 * self._off_centre**2).ravel(), count)
        weights[0] = 0
        kept: Mask = (weights > 0.15 * weights.max())[labels]
        return kept


def _frame(height: int, width: int, share: float) -> Mask:
    """The picture's border, (h, w), as wide as this share of its shorter side."""
    frame = np.ones((height, width), np.bool_)
    edge = max(2, round(share * min(height, width)))
    frame[edge:-edge, edge:-edge] = False
    return frame


def _guide(rgb: Bytes) -> Bytes:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., :2]


def _ground(mask: Mask) -> Mask:
    """Where the object's shadow may lie, as (h, w)."""
    rows = np.flatnonzero(mask.any(axis=1))
    level = rows[0] + GROUND * (rows[-1] - rows[0])
    return np.broadcast_to((np.arange(len(mask)) > level)[:, None], mask.shape)


def _smoothness(lab: Field) -> Indices:
    """How steep the colours around a pixel mostly are, in SMOOTHNESS_BINS."""
    soft = cv2.GaussianBlur(lab, (0, 0), 0.8)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    steps = np.sqrt((across**2 + down**2).sum(axis=-1))
    octaves = np.log2(steps + 0.1) - np.log2(0.1)
    # The median passes over single edges: of a tiled wall it sees the tiles.
    typical = cv2.medianBlur(np.clip(octaves * 32, 0, 255).astype(np.uint8), 5)
    bins: Indices = typical.astype(np.int64) * SMOOTHNESS_BINS // 256
    return bins
