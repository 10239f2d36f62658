"""The library's calls on NumPy arrays, forward and back, with batches repeated.

Each function that a tensor can go through has a partner `..._pullback`, which takes the
same arguments and the gradient of the result and returns the gradients of the arguments.
"""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from . import _arrays, _core


def _theta_and_points(
    space: _core.Space, theta: np.ndarray, points: np.ndarray, stages: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Both with the batch's size; theta in float64, points in the common dtype."""
    dtype = np.result_type(theta, points)
    matrix = _arrays.theta_matrix(theta, stages * space.theta_size)
    array = _arrays.point_array("the grid", points, space.dimensions)
    batch = _arrays.common_batch(theta=matrix, grid=array)
    return (
        np.ascontiguousarray(_arrays.repeat(matrix, batch), dtype=np.float64),
        _arrays.repeat(array.astype(dtype, copy=False), batch),
    )


def transform(
    space: _core.Space, theta: np.ndarray, points: np.ndarray, stages: int
) -> np.ndarray:
    """T of a chain of `stages` flows; theta is [B, stages * d]."""
    return space.transform(*_theta_and_points(space, theta, points, stages), stages)


def transform_pullback(
    space: _core.Space,
    theta: np.ndarray,
    points: np.ndarray,
    stages: int,
    dl_dy: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    matrix, array = _theta_and_points(space, theta, points, stages)
    return _shaped_like(theta, points, *space.pullback(matrix, array, dl_dy, stages))


def _shaped_like(
    theta: np.ndarray,
    points: np.ndarray,
    dl_dtheta: np.ndarray,
    dl_dpoints: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """Gradients of repeated batches as those of what was repeated."""
    theta_batch = theta.shape[0] if theta.ndim == 2 else 1
    points_batch = points.shape[0] if points.ndim == 3 else 1
    return (
        _arrays.summed(dl_dtheta, theta_batch)
        .reshape(theta.shape)
        .astype(theta.dtype, copy=False),
        _arrays.summed(dl_dpoints, points_batch)
        .reshape(points.shape)
        .astype(points.dtype, copy=False),
    )


def log_det(
    space: _core.Space, theta: np.ndarray, points: np.ndarray, stages: int
) -> np.ndarray:
    """log det dT/dx of a chain of `stages` flows, [B, N] in float64."""
    matrix, array = _theta_and_points(space, theta, points, stages)
    return space.log_det(matrix, array.astype(np.float64, copy=False), stages)


def log_det_pullback(
    space: _core.Space,
    theta: np.ndarray,
    points: np.ndarray,
    stages: int,
    dl_dlog_det: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    matrix, array = _theta_and_points(space, theta, points, stages)
    gradients = space.log_det_pullback(
        matrix,
        array.astype(np.float64, copy=False),
        np.ascontiguousarray(dl_dlog_det, dtype=np.float64),
        stages,
    )
    return _shaped_like(theta, points, *gradients)


def _data_and_points(
    data: np.ndarray, points: np.ndarray, lengths: Optional[np.ndarray]
) -> Tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]:
    if not 3 <= data.ndim <= 5:
        raise _arrays.shape_error(
            "data", data.shape, "[batch, channels, ...] with 1 to 3 axes"
        )
    dtype = np.result_type(data, points)
    array = _arrays.point_array("the grid", points, data.ndim - 2)
    batch = _arrays.common_batch(data=data, grid=array)
    if lengths is not None and lengths.shape == data.shape[:1]:
        lengths = _arrays.repeat(lengths, batch)
    return (
        _arrays.repeat(data.astype(dtype, copy=False), batch),
        _arrays.repeat(array.astype(dtype, copy=False), batch),
        lengths,
    )


def interpolate(
    data: np.ndarray,
    points: np.ndarray,
    lengths: Optional[np.ndarray],
    zero_beyond: bool,
) -> np.ndarray:
    return _core.interpolate(*_data_and_points(data, points, lengths), zero_beyond)


def interpolate_pullback(
    data: np.ndarray,
    points: np.ndarray,
    lengths: Optional[np.ndarray],
    zero_beyond: bool,
    dl_dvalues: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    samples, array, counts = _data_and_points(data, points, lengths)
    dl_ddata, dl_dpoints = _core.interpolate_pullback(
        samples, array, dl_dvalues, counts, zero_beyond
    )
    points_batch = points.shape[0] if points.ndim == 3 else 1
    return (
        _arrays.summed(dl_ddata, data.shape[0]).astype(data.dtype, copy=False),
        _arrays.summed(dl_dpoints, points_batch)
        .reshape(points.shape)
        .astype(points.dtype, copy=False),
    )
