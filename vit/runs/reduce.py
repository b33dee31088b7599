"""A long curve as few points that keep its extremes; following it costs the same however long it is."""

import numpy as np

MOST_BUCKETS = 299  # two points each, and both ends: a chart of half a page is hardly wider in pixels
BUCKET = np.dtype(
    [("first", "i8"), ("lowest", "i8"), ("highest", "i8"), ("last", "i8"), ("count", "i8"), ("total", "f8")]
)  # places in the column, the number of points, and the sum of their values


class Reducer:
    """Follows one column of numbers: equal stretches of it are buckets, which merge in pairs when they get too many.

    Args:
        most: Buckets.
    """

    def __init__(self, most: int = MOST_BUCKETS):
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self.buckets = np.empty(0, BUCKET)
        self._width = 1  # points in a bucket; the last one may have fewer
        self._seen = 0  # places looked at

    def update(self, column: np.ndarray) -> None:
        """Take in what was added to a column (n,); NaN is no point."""
        if len(self.buckets) and self.buckets["count"][-1] < self._width:  # still open: it is made anew
            self._cut(len(self.buckets) - 1)
        places = self._seen + np.flatnonzero(~np.isnan(column[self._seen :]))
        self._seen = len(column)
        whole = len(places) // self._width * self._width
        for groups in (places[:whole].reshape(-1, self._width), places[whole:].reshape(1, -1)):
            if groups.size:
                self._add(groups, column[groups])
        while len(self.buckets) > self._most:
            self._merge_pairs(column)

    def keep(self, count: int) -> None:
        """Forget all places from ``count`` on; if little is left, it is looked at anew, in finer buckets."""
        kept = int(np.searchsorted(self.buckets["last"], count))
        if self._width > 1 and kept < self._most // 4:
            self._begin()
        self._cut(kept)
        self._seen = min(self._seen, count)

    def points(self) -> np.ndarray:
        """Places of the first and last point and of every bucket's lowest and highest, in order."""
        ends = [self.buckets["first"][:1], self.buckets["last"][-1:]]
        return np.unique(np.concatenate([self.buckets["lowest"], self.buckets["highest"], *ends]))

    def means(self) -> np.ndarray:
        """The mean of every bucket."""
        return self.buckets["total"] / self.buckets["count"]

    def _cut(self, count: int) -> None:
        if count < len(self.buckets):
            self._seen = int(self.buckets["first"][count])
            self.buckets = self.buckets[:count]

    def _add(self, places: np.ndarray, values: np.ndarray) -> None:
        """Add a bucket for each row of places and values, (buckets, points)."""
        new, row = np.empty(len(places), BUCKET), np.arange(len(places))
        new["first"], new["last"] = places[:, 0], places[:, -1]
        new["lowest"], new["highest"] = places[row, values.argmin(1)], places[row, values.argmax(1)]
        new["count"], new["total"] = places.shape[1], values.sum(1)
        self.buckets = np.concatenate([self.buckets, new])

    def _merge_pairs(self, column: np.ndarray) -> None:
        even = len(self.buckets) // 2 * 2
        left, right = self.buckets[0:even:2], self.buckets[1:even:2]
        merged = left.copy()
        merged["last"] = right["last"]
        is_lower = column[right["lowest"]] < column[left["lowest"]]
        is_higher = column[right["highest"]] > column[left["highest"]]
        merged["lowest"] = np.where(is_lower, right["lowest"], left["lowest"])
        merged["highest"] = np.where(is_higher, right["highest"], left["highest"])
        merged["count"] += right["count"]
        merged["total"] += right["total"]
        self.buckets = np.concatenate([merged, self.buckets[even:]])
        self._width *= 2
