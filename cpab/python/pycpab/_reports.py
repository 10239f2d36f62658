"""What the calls of Cpab return beside arrays."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from . import _arrays, _core
from ._values import Array


class Jacobian(NamedTuple):
    """T and its derivatives at N points, for B transforms; float64.

    y          [B, ndim, N]        T(x)
    dy_dx      [B, N, ndim, ndim]  dT_a/dx_b; determinants are above 0
    log_det    [B, N]              log det dy_dx, right to rounding at any strength
    dy_dtheta  [B, N, ndim, d]     dT_a/dtheta_k
    """

    y: Array
    dy_dx: Array
    log_det: Array
    dy_dtheta: Array


class RegistrationReport(NamedTuple):
    """What `Cpab.register` found.

    theta           [1, d], or [num_stages, 1, d]; warp_images(moving, theta) or
                    warp_volumes(moving, theta) looks like the fixed one
    rms_before      root mean square difference in brightness, at the last level; for
                    'local_correlation' the mean of 1 less the squared correlation
    rms_after       the same after the warp
    iterations      steps at all levels
    converged       whether the last level met the tolerance
    folded_share    the share of the last level's pixels or voxels whose images, with those of the next ones
                    along each axis, span no positive area or volume: 0, up to what the
                    grid does not resolve
    least_jacobian  the least det dT/dx at the last level's pixels or voxels: above 0
    """

    theta: np.ndarray
    rms_before: float
    rms_after: float
    iterations: int
    converged: bool
    folded_share: float
    least_jacobian: float


class FitReport:
    """What `Cpab.fit_keypoints` found, for each of B problems.

    theta         [B, d], or [num_stages, B, d] of a chain; differentiable with respect to
                  source and target if those are tensors that require it
    residual      [B] sqrt(sum of weights |target - T(source)|^2), in sides of the square
    cost          [B] the objective at theta
    tension       [B] the pull of the pairs; less than the option where max_gradient
                  lowered it
    max_gradient  [B] the largest velocity gradient in any cell (Frobenius norm): distances
                  between points grow or shrink by at most e to this power
    iterations    [B] steps of the solver
    converged     [B] whether the last step met the tolerance, within max_gradient
    """

    def __init__(
        self, theta: Array, batch: _core.FitBatch, exact: Optional[List[np.ndarray]] = None
    ):
        self.theta = theta
        self._batch = batch
        self._exact = [] if exact is None else exact
        self.residual = batch.residual()
        self.cost = batch.cost()
        self.tension = batch.tension()
        self.max_gradient = batch.max_gradient()
        self.iterations = batch.iterations()
        self.converged = batch.converged()

    def pullback(self, dl_dtheta: Array) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pulls dL/dtheta, shaped as theta, back to the pairs: the implicit function theorem.

        Returns dL/dsource [B, ndim, K], dL/dtarget [B, ndim, K], and exact [B]: False where
        the minimum is so flat in some direction that theta is close to a jump; there the
        gradient is bounded and never against the loss, but not exact. Also False where
        max_gradient lowered the tension, except in two dimensions with one stage and a basis
        that is not stored sparsely.
        """
        gradient = _arrays.doubles("dl_dtheta", dl_dtheta)
        if gradient.shape != tuple(self.theta.shape):
            raise _arrays.shape_error(
                "dl_dtheta", gradient.shape, f"{list(self.theta.shape)}"
            )
        if gradient.ndim == 3:
            stages, batch, d = gradient.shape
            gradient = gradient.swapaxes(0, 1).reshape(batch, stages * d)
        return self._batch.pullback(np.ascontiguousarray(gradient))

    @property
    def gradient_exact(self) -> Optional[np.ndarray]:
        """[B], `exact` of the last backward pass through theta; None before the first."""
        return self._exact[-1] if self._exact else None

    def __repr__(self) -> str:
        return (
            f"FitReport(residual={self.residual}, max_gradient={self.max_gradient}, "
            f"iterations={self.iterations}, converged={self.converged})"
        )
