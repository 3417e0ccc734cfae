"""Thousands of lines of parallel coordinates as one picture: their mean colour, their number.

The picture and the report's interactive plot (assets/field.js) follow the same rule: where lines
cross, a pixel has the mean colour of its runs, and the more of them the stronger.
"""

import numpy as np

ROWS = 280  # pixels of the picture from foot to top
COLUMNS = 60  # and from one axis to the next
# How strong a pixel is that one line crosses.
FAINTEST = 0.3


def density(
    places: np.ndarray, values: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the lines' values at each pixel, and how strong the pixel is.

    `places` has shape (runs, axes): where each run's line crosses each axis, from `low` (the
    picture's foot) to `high`; `values` has one number a run. Both pictures have shape (ROWS,
    COLUMNS times the gaps between axes), from the foot up; strength runs from 0, no line, to 1.
    """
    share = (np.arange(COLUMNS) + 0.5) / COLUMNS
    counts, sums = [], []
    for left, right in zip(places.T[:-1], places.T[1:], strict=True):
        heights = left[:, None] + (right - left)[:, None] * share
        rows = np.clip((heights - low) / (high - low) * ROWS, 0, ROWS - 1).astype(int)
        cells = (rows * COLUMNS + np.arange(COLUMNS)).ravel()
        size, shape = ROWS * COLUMNS, (ROWS, COLUMNS)
        weights = np.repeat(values, COLUMNS)
        counts.append(np.bincount(cells, minlength=size).reshape(shape))
        sums.append(np.bincount(cells, weights, minlength=size).reshape(shape))
    count = np.concatenate(counts, axis=1)
    mean = np.concatenate(sums, axis=1) / np.maximum(count, 1)
    scale = np.log(np.maximum(count, 1)) / np.log(max(2, count.max(initial=0)))
    return mean, np.where(count > 0, FAINTEST + (1 - FAINTEST) * scale, 0.0)
