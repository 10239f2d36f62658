"""Transforms of different tessellations one after the other, as libcpab's CpabSequential."""

from __future__ import annotations

from typing import Any, List, Sequence, Union

import numpy as np

from ._cpab import Cpab
from ._values import Array, with_dtype_of


class CpabSequential:
    """T_n after ... after T_1, for transforms of the same number of dimensions.

    thetas are a list with one [B, d_i] for each transform.
    """

    def __init__(self, *cpab: Cpab):
        if not cpab:
            raise ValueError("CpabSequential has no transform; give at least one")
        for i, transform in enumerate(cpab):
            if not isinstance(transform, Cpab):
                raise TypeError(f"transform {i + 1} is {transform!r}; use a Cpab")
            if transform.ndim != cpab[0].ndim:
                raise ValueError(
                    f"transform {i + 1} has {transform.ndim} dimensions, the first {cpab[0].ndim}"
                )
            if transform._flat != cpab[0]._flat:
                mine, first = ("an int" if t._flat else "a list" for t in (transform, cpab[0]))
                raise ValueError(
                    f"transform {i + 1} has {mine} for tess_size, the first {first}: their "
                    "points have different shapes; use the same for all"
                )
        self.cpab = cpab
        self.n_cpab = len(cpab)
        self.ndim = cpab[0].ndim

    def get_theta_dim(self) -> List[int]:
        """d of each transform."""
        return [t.get_theta_dim() for t in self.cpab]

    def get_params(self) -> List[Any]:
        return [t.get_params() for t in self.cpab]

    def get_basis(self) -> List[Array]:
        return [t.get_basis() for t in self.cpab]

    def uniform_meshgrid(self, n_points: Union[int, Sequence[int]]) -> Array:
        return self.cpab[0].uniform_meshgrid(n_points)

    def identity(self, n_sample: int = 1, epsilon: float = 0) -> List[Array]:
        return [t.identity(n_sample, epsilon) for t in self.cpab]

    def sample_transformation(
        self, n_sample: int = 1, means: Any = None, covs: Any = None, seed: Any = None
    ) -> List[Array]:
        """One theta for each transform; transform i takes seed + i of an integer seed."""
        means = self._each("means", [None] * self.n_cpab if means is None else means)
        covs = self._each("covs", [None] * self.n_cpab if covs is None else covs)
        is_integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        return [
            t.sample_transformation(
                n_sample, means[i], covs[i], int(seed) + i if is_integer else seed
            )
            for i, t in enumerate(self.cpab)
        ]

    def transform_grid(
        self, grid: Array, thetas: Sequence[Array], output_all: bool = False
    ) -> Any:
        """The moved grid, or with output_all a list of the grids after each transform."""
        grids = [grid]
        for transform, theta in zip(self.cpab, self._each("thetas", thetas)):
            grids.append(transform.transform_grid(grids[-1], theta))
        return grids[1:] if output_all else grids[-1]

    def inverse(self, grid: Array, thetas: Sequence[Array]) -> Array:
        """Undoes transform_grid."""
        for transform, theta in reversed(
            list(zip(self.cpab, self._each("thetas", thetas)))
        ):
            grid = transform.inverse(grid, theta)
        return grid

    def transform_data(
        self,
        data: Array,
        thetas: Sequence[Array],
        outsize: Any,
        output_all: bool = False,
    ) -> Any:
        """As Cpab.transform_data, by all transforms; with output_all a list."""
        thetas = self._each("thetas", thetas)
        grid = with_dtype_of(
            self.cpab[0]._grid(outsize, "outsize"),
            data=data,
            **{f"thetas[{i}]": theta for i, theta in enumerate(thetas)},
        )
        grids = self.transform_grid(grid, thetas, output_all=True)
        warped = [
            self.cpab[0].interpolate(data, grid, outsize)
            for grid in (grids if output_all else grids[-1:])
        ]
        return warped if output_all else warped[0]

    def _each(self, name: str, values: Sequence[Any]) -> Sequence[Any]:
        if len(values) != self.n_cpab:
            raise ValueError(f"{name} has {len(values)} elements; use {self.n_cpab}")
        return values

    def __repr__(self) -> str:
        return f"CpabSequential({', '.join(map(repr, self.cpab))})"
