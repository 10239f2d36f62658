"""Fields at random and from data: the methods of Cpab that return points and theta."""

from __future__ import annotations

from typing import Tuple, Union, Sequence

import numpy as np

from . import _arrays, _core
from ._base import Base
from ._values import Array, Seed, autograd, checked_seed, plain, root, torch_of


class Fields(Base):
    """Grids, samples, priors and bases; see Cpab."""

    def uniform_meshgrid(self, n_points: Union[int, Sequence[int]]) -> Array:
        """Points of a regular grid over the domain, x running fastest.

        n_points: their number along each axis. Returns [ndim, product], [N] for an int
        tess_size; float64, float32 for 'pytorch'.
        """
        return self._made(self._grid(n_points), as_float32=True)

    def _grid(
        self, n_points: Union[int, Sequence[int]], name: str = "n_points"
    ) -> np.ndarray:
        """The points of uniform_meshgrid in float64, so that warps lose nothing."""
        sizes = _arrays.int_sequence(
            name, [n_points] if np.ndim(n_points) == 0 else n_points, self.ndim
        )
        axes = [np.linspace(0, 1, n) for n in reversed(sizes)]
        grid = np.stack(
            [g.ravel() for g in reversed(np.meshgrid(*axes, indexing="ij"))]
        )
        return grid[0] if self._flat else grid

    def identity(self, n_sample: int = 1, epsilon: float = 0) -> Array:
        """theta [n_sample, d] of the identity, plus epsilon."""
        shape = _arrays.count("n_sample", n_sample), self.get_theta_dim()
        value = _arrays.number("epsilon", epsilon, least=0)
        return self._made(np.full(shape, value), as_float32=True)

    def sample_transformation(
        self,
        n_sample: int = 1,
        mean: Array = None,
        cov: Array = None,
        seed: Seed = None,
    ) -> Array:
        """theta [n_sample, d] from a normal distribution, the standard one by default.

        mean [d], cov [d, d]; the same seed gives the same theta. Without gradient.
        """
        d = self.get_theta_dim()
        white = self._normal((_arrays.count("n_sample", n_sample), d), seed)
        if cov is not None:
            white = white @ root(_arrays.doubles("cov", cov), d).T
        if mean is not None:
            offset = _arrays.doubles("mean", mean)
            if offset.shape != (d,):
                raise _arrays.shape_error("mean", offset.shape, f"[{d}]")
            white = white + offset
        made = self._like("sample_transformation", mean, cov)
        return made(self._made(white, as_float32=True))

    def sample_transformation_with_prior(
        self,
        n_sample: int = 1,
        mean: Array = None,
        length_scale: float = 0.1,
        output_variance: float = 1,
        seed: Seed = None,
    ) -> Array:
        """theta [n_sample, d] with libcpab's and difw's distribution of fields.

        The coefficients of cells at distance r have covariance output_variance^2
        exp(-r^2 / (2 length_scale^2)), projected on the continuous fields; for an int
        tess_size it is exp(-r / (2 length_scale^2)), as difw has it.
        """
        cov = self.covariance_cpa(length_scale, output_variance)
        return self.sample_transformation(n_sample, mean, cov, seed)

    def covariance_cpa(
        self, length_scale: float = 0.1, output_variance: float = 1
    ) -> Array:
        """The covariance [d, d] of sample_transformation_with_prior."""
        self._require_dense("covariance_cpa")
        scale = _arrays.number("length_scale", length_scale)
        deviation = _arrays.number("output_variance", output_variance, least=0)
        if scale <= 0:
            raise ValueError(f"length_scale is {length_scale}; use above 0")
        centers = self._space.cell_centers()
        squares = ((centers[:, :, None] - centers[:, None, :]) ** 2).sum(axis=0)
        exponent = np.sqrt(squares) if self._flat else squares
        kernel = deviation**2 * np.exp(-exponent / (2 * scale**2))
        basis = np.asarray(plain(self.get_basis())).reshape(len(kernel), -1)
        spread = (kernel @ basis).reshape(-1, self.get_theta_dim())
        return self._made(basis.reshape(spread.shape).T @ spread)

    def sample_smooth(
        self,
        n_sample: int = 1,
        length_scale: float = 0.3,
        speed: float = 1,
        gradient: float = 0.3,
        seed: Seed = None,
    ) -> Array:
        """theta [n_sample, d] from the prior of this library: smooth at any number of cells.

        Velocities at the vertices have standard deviation `speed` (sides of the square) and
        correlation length `length_scale`, and a global affine field of standard deviation
        `gradient` is added. The same seed gives the same theta. Where the basis is stored
        sparsely the field is a little smoother in two dimensions, and varies more at the
        border; and from length_scale = 1 on, without zero_boundary, all moves as one with
        standard deviation 2.5 length_scale speed, 5 length_scale^1.5 speed in three
        dimensions: divide `speed` by that for what a dense basis gives.
        """
        prior = self._prior(length_scale, speed, gradient)
        number = _arrays.count("n_sample", n_sample)
        return self._made(
            prior.sample(number, self._integer_seed(seed)), as_float32=True
        )

    def prior_precision(
        self, length_scale: float = 0.3, speed: float = 1, gradient: float = 0.3
    ) -> Array:
        """Sigma^-1 [d, d] of `sample_smooth`: theta^T Sigma^-1 theta is a smoothness penalty."""
        self._require_dense("prior_precision")
        return self._made(self._prior(length_scale, speed, gradient).precision())

    def prior_log_density(
        self,
        theta: Array,
        length_scale: float = 0.3,
        speed: float = 1,
        gradient: float = 0.3,
    ) -> Array:
        """log N(theta; 0, Sigma) of `sample_smooth`, [B]; without gradient."""
        matrix = _arrays.theta_matrix(
            _arrays.doubles("theta", theta), self.get_theta_dim()
        )
        made = self._like("prior_log_density", theta)
        return made(self._prior(length_scale, speed, gradient).log_density(matrix))

    def theta_from_vertices(self, velocities: Array) -> Array:
        """theta [B, d] of the field with these velocities [B, ndim, V] or [ndim, V] at `vertices`.

        The nearest field where the constraints admit none. Without gradient.
        """
        array = _arrays.doubles("velocities", velocities)
        count = self._space.vertices().shape[1]
        if array.ndim not in (2, 3) or array.shape[-2:] != (self.ndim, count):
            raise _arrays.shape_error(
                "velocities",
                array.shape,
                f"[batch, {self.ndim}, {count}] or [{self.ndim}, {count}]",
            )
        stacked = array.reshape(-1, self.ndim, count).transpose(0, 2, 1)
        made = self._like("theta_from_vertices", velocities)
        rows = stacked.reshape(len(stacked), self.ndim * count)
        return made(self._space.theta_from_vertices(rows))

    def theta_from_cells(self, cells: Array, tolerance: float = 1e-4) -> Array:
        """theta [B, d] of a field given by its cells' matrices, such as libcpab's vec(A).

        cells: [B, D] or [B, nC, ndim (ndim + 1)], or the same without B. ValueError if they
        are not a field of this tessellation and these constraints: if a coefficient differs
        by more than `tolerance` times the largest from those of the nearest field. Without
        gradient.
        """
        array = _arrays.doubles("cells", cells)
        num_cells, per_cell = self._space.num_cells, self.ndim * (self.ndim + 1)
        size = num_cells * per_cell
        known = ((size,), (num_cells, per_cell), (num_cells, self.ndim, self.ndim + 1))
        if array.shape not in known and array.shape[1:] not in known:
            raise _arrays.shape_error(
                "cells",
                array.shape,
                f"[batch, {size}] or [batch, {num_cells}, {per_cell}]",
            )
        made = self._like("theta_from_cells", cells)
        return made(self._theta_of_cells(array.reshape(-1, size), tolerance))

    def theta_from_basis(
        self, theta: Array, basis: Array, tolerance: float = 1e-4
    ) -> Array:
        """Carries theta [B, d] of libcpab, difw or FG-CPAB over to this basis.

        basis: theirs [D, d], as their get_basis() or params.basis or params.B returns it (it
        depends on the LAPACK that they ran on: store it with theta). The field is the same;
        errors as `theta_from_cells`.
        """
        theirs = _arrays.doubles("basis", basis)
        if theirs.ndim != 2:
            raise _arrays.shape_error("basis", theirs.shape, "[D, d]")
        values = _arrays.doubles("theta", theta)
        matrix = _arrays.theta_matrix(values, theirs.shape[1])
        cells = matrix @ theirs.T
        size = self._space.num_cells * self.ndim * (self.ndim + 1)
        if cells.shape[1] != size:
            raise _arrays.shape_error("basis", theirs.shape, f"[{size}, d]")
        made = self._like("theta_from_basis", theta, basis)
        return made(self._theta_of_cells(cells, tolerance))

    def _theta_of_cells(self, matrix: np.ndarray, tolerance: float) -> np.ndarray:
        """theta [B, d] of cells [B, D]; see theta_from_cells."""
        if not np.isfinite(matrix).all():
            raise ValueError("the cells have an element that is not finite")
        theta = self._space.theta_from_cells(matrix)
        error = np.abs(self._space.cells_from_theta(theta) - matrix).max(axis=1)
        if not (error <= tolerance * np.abs(matrix).max(axis=1)).all():
            raise ValueError(
                f"the cells are no field of {self!r}: they differ by {error.max():.3g} from the "
                "nearest one. Compare the tessellation and the constraints"
            )
        return theta

    def _normal(self, shape: Tuple[int, int], seed: Seed) -> np.ndarray:
        if isinstance(seed, np.random.Generator):
            return seed.standard_normal(shape)
        torch = torch_of(seed) or (
            autograd().torch if self.backend_name == "pytorch" else None
        )
        if torch is None:
            return np.random.default_rng(checked_seed(seed)).standard_normal(shape)
        generator = seed
        if seed is not None and not isinstance(seed, torch.Generator):
            generator = torch.Generator().manual_seed(checked_seed(seed))
        return torch.randn(shape, generator=generator, dtype=torch.float64).numpy()

    def _integer_seed(self, seed: Seed) -> int:
        if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
            return checked_seed(seed)
        # The bits of a normal number from the generator.
        bits = np.abs(self._normal((1, 1), seed)).view(np.uint64)
        return int(bits[0, 0])

    def _prior(
        self, length_scale: float, speed: float, gradient: float
    ) -> Union[_core.Prior, _core.SparsePrior]:
        key = (
            _arrays.number("length_scale", length_scale),
            _arrays.number("speed", speed),
            _arrays.number("gradient", gradient),
        )
        if key not in self._priors:
            kind = _core.SparsePrior if self._space.is_sparse else _core.Prior
            self._priors = {key: kind(self._space, *key)}
        return self._priors[key]
