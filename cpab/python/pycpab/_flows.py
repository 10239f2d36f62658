"""Flows of points: the methods of Cpab that transform and differentiate."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from . import _arrays, _kernels
from ._fields import Fields
from ._reports import Jacobian
from ._values import Array, autograd, scaled, squared_time


class Flows(Fields):
    """Transforms, chains, Jacobians and velocities; see Cpab."""

    def transform_grid(
        self, grid: Array, theta: Array, method: Optional[str] = None, time: float = 1.0
    ) -> Array:
        """T(grid; theta), [B, ndim, N]; differentiable once in both if those are tensors.

        method is difw's and not used: the closed form is exact. time follows the field for
        longer or shorter: T(grid; time theta).
        """
        del method
        return self._lowered(self._transform(self._raised(grid), scaled(theta, time)))

    def transform_grid_ss(
        self,
        grid: Array,
        theta: Array,
        method: Optional[str] = None,
        time: float = 1.0,
        N: int = 0,
    ) -> Array:
        """As transform_grid: difw's scaling and squaring approximates what is exact here.

        difw flows for `time` and squares N times, which is time 2^N.
        """
        return self.transform_grid(grid, theta, method, squared_time(time, N))

    def inverse(self, grid: Array, theta: Array) -> Array:
        """The x with T(x; theta) = grid, exactly: T(grid; -theta)."""
        return self.transform_grid(grid, theta, time=-1)

    def transform_grid_chain(
        self, grid: Array, theta_chain: Array, scale_by_dt: bool = False
    ) -> Array:
        """Transforms by theta_chain[0], then by theta_chain[1], ...: a field that changes in time.

        theta_chain: [n, d] or [n, B, d]. scale_by_dt multiplies each by 1 / n, so that all
        take unit time together. One backward pass gives the gradient of all.
        """
        theta, stages = self._chain(theta_chain, scale_by_dt)
        return self._lowered(self._transform(self._raised(grid), theta, stages))

    def inverse_chain(
        self, grid: Array, theta_chain: Array, scale_by_dt: bool = False
    ) -> Array:
        """Undoes transform_grid_chain."""
        theta, stages = self._chain(theta_chain, scale_by_dt, inverse=True)
        return self._lowered(self._transform(self._raised(grid), theta, stages))

    def log_det_chain(
        self, grid: Array, theta_chain: Array, scale_by_dt: bool = False
    ) -> Array:
        """log det of transform_grid_chain, [B, N], float64; differentiable as log_det."""
        theta, stages = self._chain(theta_chain, scale_by_dt)
        return self._log_det(self._raised(grid), theta, stages)

    def jacobian(self, grid: Array, theta: Array, with_theta: bool = False) -> Jacobian:
        """T and all its derivatives at points; float64, without gradient.

        with_theta asks for dy_dtheta too, which takes B N ndim d numbers; it is empty else.
        For losses use autograd, which takes one sweep whatever the length of theta.
        """
        matrix, points = self._matrix_and_points(grid, theta)
        y, dy_dx, log_det, dy_dtheta = self._space.jacobian(
            matrix, points, bool(with_theta)
        )
        y = np.ascontiguousarray(y.transpose(0, 2, 1))
        return Jacobian(
            *(self._like("jacobian", grid, theta)(a) for a in (y, dy_dx, log_det, dy_dtheta))
        )

    def log_det(self, grid: Array, theta: Array) -> Array:
        """log det dT/dx at points, [B, N], float64: how T changes densities.

        Differentiable once in theta and points if one of them is a tensor.
        """
        return self._log_det(self._raised(grid), theta)

    def gradient_grid(
        self, grid: Array, theta: Array, method: Optional[str] = None, time: float = 1.0
    ) -> Array:
        """dT/dtheta at points: [B, N, d] for an int tess_size, as difw; else [B, N, ndim, d]."""
        del method
        gradient = self.jacobian(grid, scaled(theta, time), with_theta=True).dy_dtheta
        return time * (gradient[:, :, 0] if self._flat else gradient)

    def gradient_space(
        self, grid: Array, theta: Array, method: Optional[str] = None, time: float = 1.0
    ) -> Array:
        """dT/dx at points: [B, N] for an int tess_size, as difw; else [B, N, ndim, ndim]."""
        del method
        gradient = self.jacobian(grid, scaled(theta, time)).dy_dx
        return gradient[:, :, 0, 0] if self._flat else gradient

    def calc_vectorfield(self, grid: Array, theta: Array) -> Array:
        """The velocity at points, anywhere: [ndim, N] for one theta, else [B, ndim, N]."""
        matrix, points = self._matrix_and_points(grid, theta)
        velocity = self._like("calc_vectorfield", grid, theta)(
            self._space.velocity(matrix, points)
        )
        velocity = self._lowered(velocity)
        return (
            velocity[0]
            if np.ndim(grid) < 3 - self._flat and len(matrix) == 1
            else velocity
        )

    def calc_velocity(self, grid: Array, theta: Array) -> Array:
        """The velocity at points, [B, ndim, N], as difw."""
        matrix, points = self._matrix_and_points(grid, theta)
        return self._lowered(
            self._like("calc_velocity", grid, theta)(
                self._space.velocity(matrix, points)
            )
        )

    def _chain(
        self, theta_chain: Array, scale_by_dt: bool, inverse: bool = False
    ) -> Tuple[Array, int]:
        """theta of all stages in a row, [B, n d], and n."""
        thetas = self._stacked("theta_chain", theta_chain)
        d = self.get_theta_dim()
        if thetas.ndim not in (2, 3) or len(thetas) == 0 or thetas.shape[-1] != d:
            raise _arrays.shape_error(
                "theta_chain",
                thetas.shape,
                f"[n, {d}] or [n, batch, {d}] with n at least 1",
            )
        stages = len(thetas)
        thetas = scaled(thetas, 1 / stages if scale_by_dt else 1)
        thetas = thetas[:, None] if thetas.ndim == 2 else thetas
        if inverse:
            thetas = -(thetas.flip(0) if _arrays.is_tensor(thetas) else thetas[::-1])
        return thetas.swapaxes(0, 1).reshape(thetas.shape[1], stages * d), stages

    def _stacked(self, name: str, thetas: Array) -> Array:
        """A list or an array of them as one array or tensor."""
        listed = isinstance(thetas, (list, tuple))
        if listed and any(_arrays.is_tensor(theta) for theta in thetas):
            torch_calls = autograd()
            tensors = [torch_calls.checked(name, theta) for theta in thetas]
            if len({tuple(tensor.shape) for tensor in tensors}) > 1:
                raise ValueError(f"{name} has elements of different shapes")
            return torch_calls.torch.stack(tensors)
        if _arrays.is_tensor(thetas):
            return autograd().checked(name, thetas)
        return _arrays.floats(name, thetas)

    def _transform(self, grid: Array, theta: Array, stages: int = 1) -> Array:
        return self._of_flow("transform", grid, theta, stages)

    def _log_det(self, grid: Array, theta: Array, stages: int = 1) -> Array:
        return self._of_flow("log_det", grid, theta, stages)

    def _of_flow(self, name: str, grid: Array, theta: Array, stages: int) -> Array:
        """The function of `_autograd` for tensors, else that of `_kernels`."""
        if _arrays.is_tensor(grid) or _arrays.is_tensor(theta):
            calls, checked = autograd(), autograd().checked
        else:
            calls, checked = _kernels, _arrays.floats
        return getattr(calls, name)(
            self._space, checked("theta", theta), checked("the grid", grid), stages
        )
