"""A picture's colours as a few dozen words, so that what lies where can be counted."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Indices, Mask

WORDS = 32
SAMPLES = 4000

LIGHTNESS = 0.6
"""Lightness counts this much of what hue does: one object's colours differ most by how they are lit."""

SCALE = np.array([LIGHTNESS, 1, 1], np.float32)

SPREAD = 7.0
"""How far a word's count also speaks for its neighbours (CIE Lab units)."""

SHADES = (0.96, 0.91, 0.85, 0.78, 0.7)
"""Cube roots of the shares of light that a shadow may leave."""


@dataclass(frozen=True)
class Codebook:
    """Cluster centres in the space of `features`, and how alike they are."""

    words: Field
    """(k, 4)."""

    alike: Field
    """(k, k): each row spreads one word's count over its neighbours, and sums to 1."""

    shaded: Field
    """(shades, k, k): how much of word j a shadow would turn into word i."""

    def read(self, features: Field) -> Indices:
        """Each pixel's nearest word, (h, w)."""
        flat = features.reshape(-1, features.shape[-1])
        apart = (self.words**2).sum(axis=1) - 2 * (flat @ self.words.T)
        nearest: Indices = apart.argmin(axis=1).reshape(features.shape[:2])
        return nearest

    def density(self, codes: Indices, weight: Field | Mask) -> Field:
        """How common each word is where there is weight; sums to 1."""
        counts = np.bincount(codes.ravel(), weight.ravel(), len(self.words)) @ self.alike
        share: Field = counts / max(float(counts.sum()), 1e-9)
        return share

    def density_in_shadow(self, codes: Indices, weight: Field | Mask) -> Field:
        """How common each word would be if a shadow fell on what has weight, by the likeliest shade."""
        counts = np.bincount(codes.ravel(), weight.ravel(), len(self.words))
        likeliest: Field = (self.shaded @ (counts / max(float(counts.sum()), 1e-9))).max(axis=0)
        return likeliest


def features(lab: Field) -> Field:
    """What the words are made of, (h, w, 4): the colour, lightness reduced, and how busy it is around."""
    spread = np.sqrt(np.maximum(_blur(lab**2) - _blur(lab) ** 2, 0).sum(axis=-1))
    return np.dstack([lab * SCALE, 6 * np.log1p(spread)]).astype(np.float32)


def _blur(field: Field) -> Field:
    return cv2.GaussianBlur(field, (0, 0), 2.5)


def learn(space: Field) -> Codebook:
    """The codebook of a picture, by k-means over a sample of its `features`."""
    flat = space.reshape(-1, space.shape[-1])
    sample = np.ascontiguousarray(flat[:: max(1, len(flat) // SAMPLES)])
    cv2.setRNGSeed(1)  # k-means starts from OpenCV's generator; results must repeat
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 12, 0.5)
    labels = np.zeros((len(sample), 1), np.int32)
    words = cv2.kmeans(sample, min(WORDS, len(sample)), labels, stop, 1, cv2.KMEANS_PP_CENTERS)[2]
    kernel = _kernel(words, words)
    total = kernel.sum(axis=1, keepdims=True)
    # CIE Lab is cubic roots of light: a shadow scales (L + 16, a, b), all three alike.
    colours = words[:, :3] / SCALE
    black = np.array([16, 0, 0])
    lit = [((colours + black) / shade - black) * SCALE for shade in SHADES]
    shaded = np.stack([_kernel(brighter, words[:, :3]) for brighter in lit]) / total.T
    return Codebook(words=words, alike=kernel / total, shaded=shaded)


def _kernel(one: Field, other: Field) -> Field:
    apart = ((one[:, None] - other[None]) ** 2).sum(axis=-1)
    kernel: Field = np.exp(-apart / (2 * SPREAD**2))
    return kernel
