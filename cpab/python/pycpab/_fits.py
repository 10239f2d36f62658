"""Theta from pairs of points, and from two images."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from . import _arrays, _core
from ._reports import FitReport, RegistrationReport
from ._values import Array, autograd, halvings, picture, volume
from ._warps import Warps


class Fits(Warps):
    """Fits and registration; see Cpab."""

    def fit_keypoints(
        self,
        source: Array,
        target: Array,
        weights: Array = None,
        *,
        tension: float = 8,
        noise: float = 2e-4,
        length_scale: float = 0.3,
        speed: float = 1,
        gradient: float = 0.3,
        max_iterations: int = 30,
        tolerance: float = 1e-3,
        trust_region: float = 1,
        max_gradient: float = 5,
        num_stages: int = 1,
    ) -> FitReport:
        """The smoothest theta with T(source; theta) = target, as far as one of bounded gradient can.

        source, target  [ndim, K] or [B, ndim, K] ([K] or [B, K] for an int tess_size)
        weights         [B, K] or [K], at least 0; pairs of weight 0 are ignored
        tension         the most that the pairs may pull; contradictory pairs are met less
        noise           distance below which a pair counts as met, in sides of the square
        length_scale, speed, gradient   the prior of `sample_smooth`
        max_gradient    bound on the velocity gradient: distances change by at most e^this
        num_stages      1 to 64: above 1 the field changes in time, and theta is a chain
                        [num_stages, B, d] for transform_grid_chain(grid, theta,
                        scale_by_dt=True). The prior's energy is the mean over the stages

        Equal pairs give theta = 0 exactly. Problems with a point that is not finite have NaN,
        and so have those of which the weights, or their squared distances, sum to infinity.
        theta has a gradient with respect to source and target (tensors), by the implicit
        function theorem at the minimum; see `FitReport.pullback`. It has none by weights.
        """
        fitter = self._fitter(
            tension=_arrays.number("tension", tension),
            noise=_arrays.number("noise", noise),
            length_scale=_arrays.number("length_scale", length_scale),
            speed=_arrays.number("speed", speed),
            gradient=_arrays.number("gradient", gradient),
            max_iterations=_arrays.count("max_iterations", max_iterations),
            tolerance=_arrays.number("tolerance", tolerance),
            trust_region=_arrays.number("trust_region", trust_region),
            max_gradient=_arrays.number("max_gradient", max_gradient),
            num_stages=_arrays.count("num_stages", num_stages, least=1),
        )
        batches: List[_core.FitBatch] = []
        exact: List[np.ndarray] = []

        def fit(p: np.ndarray, q: np.ndarray) -> _core.FitBatch:
            batches.append(self._fit(fitter, p, q, weights))
            return batches[0]

        theta = self._theta_of(source, target, weights, fit, exact)
        if num_stages > 1:
            shape = (len(theta), num_stages, self.get_theta_dim())
            theta = theta.reshape(shape).swapaxes(0, 1)
        return FitReport(theta, batches[0], exact)

    def register(
        self,
        moving: Array,
        fixed: Array,
        *,
        num_stages: int = 1,
        similarity: str = "squared_differences",
        window_radius: int = 2,
        largest_side: Optional[int] = None,
        noise: float = 0.1,
        length_scale: float = 0.3,
        speed: float = 1,
        gradient: float = 0.3,
        max_iterations: int = 40,
        tolerance: float = 1e-4,
    ) -> RegistrationReport:
        """The theta by which `moving`, warped, looks like `fixed`; coarse to fine.

        moving, fixed  pictures [rows, columns] or [rows, columns, 3 or 4] of uint8, uint16,
                       or floats from 0 to 1, of which brightness counts; or volumes [depth,
                       rows, columns]. Of any two sizes of at least 2 along each axis. The
                       transform has as many cells along all axes
        num_stages     1 to 16: above 1 the field changes in time, and theta is a chain
                       [num_stages, 1, d]
        similarity     'squared_differences', or, for volumes, 'local_correlation': the
                       squared correlation in windows of 2 window_radius + 1 voxels, for
                       volumes of different contrast
        largest_side   pixels along the longest side at which the last level compares them;
                       128 for pictures, 48 for volumes
        noise          standard deviation of differences in brightness that are not motion;
                       in units of the local contrast for 'local_correlation'
        length_scale, speed, gradient   the prior of `sample_smooth`

        Finds motions of up to an eighth of the picture. warp_images(moving, theta) or
        warp_volumes(moving, theta) looks like fixed. theta has no gradient. Pictures need
        OpenCV's shared libraries (core, imgproc); ImportError without.
        """
        self._check_registration(similarity)
        if largest_side is None:
            largest_side = 128 if self.ndim == 2 else 48
        settings = dict(
            largest_side=_arrays.count("largest_side", largest_side),
            noise=_arrays.number("noise", noise),
            length_scale=_arrays.number("length_scale", length_scale),
            speed=_arrays.number("speed", speed),
            gradient=_arrays.number("gradient", gradient),
            max_iterations=_arrays.count("max_iterations", max_iterations),
            tolerance=_arrays.number("tolerance", tolerance),
            num_stages=_arrays.count("num_stages", num_stages, least=1),
            sparse_basis=self._space.is_sparse,
        )
        if self.ndim == 2:
            return self._register_pictures(moving, fixed, settings)
        return self._register_volumes(
            moving,
            fixed,
            settings,
            local_correlation=similarity == "local_correlation",
            window_radius=_arrays.count("window_radius", window_radius, least=1),
        )

    def _check_registration(self, similarity: str) -> None:
        if self.ndim not in (2, 3):
            raise ValueError(
                f"register is for 2 or 3 dimensions; this transform has {self.ndim}"
            )
        if len(set(self.tess_size)) > 1:
            raise ValueError(
                f"register wants as many cells along all axes; there are {list(self.tess_size)}"
            )
        if similarity not in ("squared_differences", "local_correlation"):
            raise ValueError(
                f"similarity is {similarity!r}; use 'squared_differences' or "
                "'local_correlation'"
            )
        if self.ndim == 2 and similarity != "squared_differences":
            raise ValueError("similarity 'local_correlation' is for volumes")

    def _register_volumes(
        self, moving: Array, fixed: Array, settings: Dict[str, Any], **similarity: Any
    ) -> RegistrationReport:
        theta, *rest = _core.register_volumes(
            volume("moving", moving),
            volume("fixed", fixed),
            boxes=halvings(self.tess_size[0]),
            zero_boundary=self.zero_boundary,
            volume_preserving=self.volume_perservation,
            **similarity,
            **settings,
        )
        return RegistrationReport(_as_chain(theta), *rest)

    def _register_pictures(
        self, moving: Array, fixed: Array, settings: Dict[str, Any]
    ) -> RegistrationReport:
        from . import _registration

        from_picture, to_picture = picture("moving", moving), picture("fixed", fixed)
        theta, *rest = _registration.register(
            from_picture,
            to_picture,
            halvings(self.tess_size[0]),
            self.zero_boundary,
            self.volume_perservation,
            *settings.values(),
        )
        chain = theta[:, None]
        shape = to_picture.shape[:2]
        rows, columns = _reduced(shape, settings["largest_side"])
        axes = _centres(shape[1], columns), _centres(shape[0], rows)
        grid = np.stack([g.ravel() for g in np.meshgrid(*axes)])
        moved = self.transform_grid_chain(grid, chain, True).reshape(2, rows, columns)
        x_edges = moved[:, :-1, 1:] - moved[:, :-1, :-1]
        y_edges = moved[:, 1:, :-1] - moved[:, :-1, :-1]
        areas = x_edges[0] * y_edges[1] - x_edges[1] * y_edges[0]
        log_det = self.log_det_chain(grid, chain, True)
        return RegistrationReport(
            _as_chain(theta),
            *rest,
            float(np.mean(~(areas > 0))),
            float(np.exp(log_det.min())),
        )

    def _theta_of(
        self,
        source: Array,
        target: Array,
        weights: Array,
        fit: Any,
        exact: List[np.ndarray],
    ) -> Array:
        """theta of fit(source, target), as an array, or as a tensor with its gradient."""
        if any(_arrays.is_tensor(value) for value in (source, target, weights)):
            torch_calls = autograd()
            return torch_calls.fit(
                torch_calls.checked("source", self._raised(source)),
                torch_calls.checked("target", self._raised(target)),
                weights,
                fit,
                exact,
            )
        p = _arrays.floats("source", self._raised(source))
        q = _arrays.floats("target", self._raised(target))
        return fit(p, q).theta().astype(np.result_type(p, q), copy=False)

    def _fitter(self, **options: Any) -> _core.Fitter:
        key = tuple(options.values())
        if key not in self._fitters:
            self._fitters = {key: _core.Fitter(self._space, **options)}
        return self._fitters[key]

    def _fit(
        self,
        fitter: _core.Fitter,
        source: np.ndarray,
        target: np.ndarray,
        weights: Array,
    ) -> _core.FitBatch:
        if source.shape != target.shape:
            raise ValueError(
                f"source has shape {list(source.shape)} and target {list(target.shape)}; use the same"
            )
        p = _arrays.point_array("source", source, self.ndim)
        q = _arrays.point_array("target", target, self.ndim)
        w = np.empty((0, 0))
        if weights is not None:
            w = _arrays.doubles("weights", weights)
            if w.shape not in (p.shape[2:], (p.shape[0], p.shape[2])):
                raise _arrays.shape_error(
                    "weights", w.shape, f"[{p.shape[0]}, {p.shape[2]}]"
                )
            w = np.ascontiguousarray(np.broadcast_to(w, (p.shape[0], p.shape[2])))
            if not (w >= 0).all() or not np.isfinite(w).all():
                raise ValueError("weights has an element below 0 or that is not finite")
        return fitter.fit(p.astype(np.float64), q.astype(np.float64), w)


def _reduced(shape: Tuple[int, int], side: int) -> Tuple[int, int]:
    """The rows and columns to which registration reduces a picture at the last level."""
    scale = side / max(shape)
    if scale >= 1:
        return shape
    rows, columns = (max(2, round(n * scale)) for n in shape)
    return rows, columns


def _centres(full: int, count: int) -> np.ndarray:
    """Where the centres of the pixels of a reduced axis are.

    SampledAxis of cpab/registration/sampled_axis.h: each is the mean of full / count pixels, and
    0 and 1 are the centres of the first and the last of these.
    """
    return ((np.arange(count) + 0.5) * (full / count) - 0.5) / (full - 1)


def _as_chain(theta: np.ndarray) -> np.ndarray:
    """[1, d] for one stage, [n, 1, d] for several, from [n, d]."""
    return theta if len(theta) == 1 else theta[:, None]
