"""A space of fields and its settings: what all methods of Cpab work with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from . import _arrays, _core
from ._options import checked_options, options_of
from ._values import Array, autograd


class Base:
    """Settings and conversions; see Cpab."""

    _default_backend = "numpy"

    def __init__(
        self,
        tess_size: Union[int, Sequence[int]],
        *options: Union[str, bool],
        backend: Optional[str] = None,
        device: Optional[str] = None,
        zero_boundary: Optional[bool] = None,
        volume_perservation: Optional[bool] = None,
        volume_preservation: Optional[bool] = None,
        override: Optional[bool] = None,
        basis: Optional[str] = None,
        sparse_basis: bool = False,
    ):
        if volume_perservation is not None and volume_preservation is not None:
            raise TypeError(
                "Cpab has the argument volume_perservation in two spellings"
            )
        named = dict(
            backend=backend,
            device=device,
            zero_boundary=zero_boundary,
            override=override,
            basis=basis,
            volume_perservation=(
                volume_preservation
                if volume_perservation is None
                else volume_perservation
            ),
        )
        defaults = dict(
            backend=self._default_backend,
            device="cpu",
            zero_boundary=True,
            volume_perservation=False,
            override=False,
            basis=None,
        )
        chosen = checked_options({**defaults, **options_of(options, named)})
        self._flat = isinstance(tess_size, (int, np.integer)) and not isinstance(
            tess_size, bool
        )
        self.tess_size = _arrays.int_sequence(
            "tess_size", [tess_size] if self._flat else tess_size
        )
        self.backend_name = chosen["backend"]
        self.device = "cpu"
        self.zero_boundary = bool(chosen["zero_boundary"])
        self.volume_perservation = bool(chosen["volume_perservation"])
        if not isinstance(sparse_basis, (bool, np.bool_)):
            raise TypeError(f"sparse_basis is {sparse_basis!r}; use True or False")
        self._space = _core.Space(
            self.tess_size,
            self.zero_boundary,
            self.volume_perservation,
            bool(sparse_basis),
        )
        self.ndim = len(self.tess_size)
        self._priors: dict = {}
        self._fitters: dict = {}

    def __repr__(self) -> str:
        return (
            f"Cpab({list(self.tess_size)}, backend={self.backend_name!r}, "
            f"zero_boundary={self.zero_boundary}, "
            f"volume_perservation={self.volume_perservation})  # theta has {self.get_theta_dim()}"
        )

    def __reduce__(self):
        size = self.tess_size[0] if self._flat else self.tess_size
        settings = dict(
            backend=self.backend_name,
            zero_boundary=self.zero_boundary,
            volume_perservation=self.volume_perservation,
            sparse_basis=self._space.is_sparse,
        )
        return _restored, (type(self), size, settings)

    def get_theta_dim(self) -> int:
        """d, the length of theta."""
        return self._space.theta_size

    def get_theta_size(self) -> int:
        """d, the length of theta."""
        return self._space.theta_size

    def get_basis(self) -> Array:
        """B [D, d], orthonormal: vec(A) = B theta stacks the cells' matrices [ndim, ndim + 1].

        ValueError if the basis is stored sparsely: as a matrix it would take gigabytes.
        """
        self._require_dense("get_basis")
        return self._made(self._space.cells_from_theta(np.eye(self.get_theta_dim())).T)

    def get_params(self) -> SimpleNamespace:
        """The settings by libcpab's names: nc, ndim, d, D, nC, zero_boundary, ..."""
        per_cell = self.ndim * (self.ndim + 1)
        return SimpleNamespace(
            nc=list(self.tess_size),
            ndim=self.ndim,
            d=self.get_theta_dim(),
            D=self._space.num_cells * per_cell,
            nC=self._space.num_cells,
            params_pr_cell=per_cell,
            Ashape=[self.ndim, self.ndim + 1],
            inc=[1 / n for n in self.tess_size],
            domain_min=[0] * self.ndim,
            domain_max=[1] * self.ndim,
            zero_boundary=self.zero_boundary,
            valid_outside=not self.zero_boundary,
            volume_perservation=self.volume_perservation,
        )

    @property
    def params(self) -> SimpleNamespace:
        """As get_params()."""
        return self.get_params()

    def set_solver_params(self, *_: Any, **__: Any) -> None:
        """Does nothing: the flow is exact and has no steps."""

    def vertices(self) -> Array:
        """Where the velocity is given by theta, [ndim, V]."""
        return self._made(self._space.vertices())

    def _require_dense(self, method: str) -> None:
        if self._space.is_sparse:
            raise ValueError(
                f"{method} is for bases that are stored as matrices: use at most 32x32 or "
                "8x8x8 cells without sparse_basis"
            )

    def _require(self, ndim: int, method: str) -> None:
        if self.ndim != ndim:
            raise ValueError(
                f"{method} is for {ndim} dimensions; this transform has {self.ndim}"
            )

    def _made(self, array: np.ndarray, as_float32: bool = False) -> Array:
        """An array, or a tensor for the backend 'pytorch'."""
        if self.backend_name == "numpy":
            return array
        tensor = autograd().torch.from_numpy(np.ascontiguousarray(array))
        return tensor.float() if as_float32 else tensor

    def _like(self, name: str, *arguments: Array):
        """What turns arrays, which `name` returns, into the kind of the arguments."""
        if any(_arrays.is_tensor(a) for a in arguments):
            return lambda array: autograd().without_gradient(name, array, *arguments)
        return lambda array: array

    def _raised(self, grid: Array) -> Array:
        """[N] and [B, N] of difw's layout as [1, N] and [B, 1, N]."""
        if not self._flat:
            return grid
        if not hasattr(grid, "ndim"):
            grid = np.asarray(grid)
        if grid.ndim not in (1, 2):
            raise _arrays.shape_error(
                "the grid", grid.shape, "[points] or [batch, points]"
            )
        return grid[None] if grid.ndim == 1 else grid[:, None]

    def _lowered(self, values: Array) -> Array:
        return values[:, 0] if self._flat else values

    def _matrix_and_points(
        self, grid: Array, theta: Array, stages: int = 1
    ) -> Tuple[np.ndarray, np.ndarray]:
        points = _arrays.doubles("the grid", self._raised(grid))
        array = _arrays.point_array("the grid", points, self.ndim)
        matrix = _arrays.theta_matrix(
            _arrays.doubles("theta", theta), stages * self.get_theta_dim()
        )
        batch = _arrays.common_batch(theta=matrix, grid=array)
        return np.ascontiguousarray(_arrays.repeat(matrix, batch)), _arrays.repeat(
            array, batch
        )


def _restored(kind: type, size: Any, settings: dict) -> Any:
    """What was pickled."""
    return kind(size, **settings)
