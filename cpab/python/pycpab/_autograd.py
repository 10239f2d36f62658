"""The library's calls on tensors of the installed torch, with autograd.

Tensors share their memory with NumPy arrays, on which the library computes, forward and
by the adjoint backward: no version of LibTorch has to match. They are on the CPU.
Gradients can be taken once: a second derivative raises an error of torch.
"""

from __future__ import annotations

from typing import Any, List, Optional

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from . import _arrays, _core, _kernels


def on_cpu(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, if it is a dense one on the CPU, of any dtype."""
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} has layout {tensor.layout}; use a dense tensor")
    if tensor.device.type != "cpu":
        raise ValueError(
            f"{name} is on {tensor.device}; pycpab computes on the CPU: use .cpu()"
        )
    return tensor


def checked(name: str, value: Any, like: Optional[torch.Tensor] = None) -> torch.Tensor:
    """A float32 or float64 tensor on the CPU; arrays and lists become tensors."""
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(np.array(_arrays.floats(name, value)))
    value = on_cpu(name, value)
    if (
        not value.is_floating_point()
        and not value.is_complex()
        and value.dtype != torch.bool
    ):
        return value.to(torch.float64)
    if value.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"{name} has dtype {value.dtype}; use torch.float32 or torch.float64"
        )
    return value


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array)


class _OfFlow(torch.autograd.Function):
    """What `_kernels` computes of a flow at points, with its partner for the way back."""

    @staticmethod
    def forward(ctx, theta, points, space, stages, kernel, pullback):
        ctx.save_for_backward(theta, points)
        ctx.space, ctx.stages, ctx.pullback = space, stages, pullback
        return _tensor(kernel(space, _array(theta), _array(points), stages))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        theta, points = ctx.saved_tensors
        gradients = ctx.pullback(
            ctx.space, _array(theta), _array(points), ctx.stages, _array(gradient)
        )
        return (_tensor(gradients[0]), _tensor(gradients[1])) + (None,) * 4


class _Interpolate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, data, points, lengths, zero_beyond):
        ctx.save_for_backward(data, points)
        ctx.rest = lengths, zero_beyond
        return _tensor(
            _kernels.interpolate(_array(data), _array(points), lengths, zero_beyond)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx, dl_dvalues):
        data, points = ctx.saved_tensors
        gradients = _kernels.interpolate_pullback(
            _array(data), _array(points), *ctx.rest, _array(dl_dvalues)
        )
        return _tensor(gradients[0]), _tensor(gradients[1]), None, None


class _Fit(torch.autograd.Function):
    @staticmethod
    def forward(ctx, source, target, weights, fit, exact):
        """fit(source, target) is a batch of fits, theta of which is returned.

        `fit` has the weights; here they only say whether a gradient is asked of them. Each
        backward pass adds to the list `exact` whether its gradients are exact, [B].
        """
        batch = fit(_array(source), _array(target))
        ctx.batch, ctx.exact = batch, exact
        ctx.shape, ctx.dtypes = source.shape, (source.dtype, target.dtype)
        return _tensor(batch.theta()).to(
            torch.promote_types(source.dtype, target.dtype)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx, dl_dtheta):
        if ctx.needs_input_grad[2]:
            raise RuntimeError(
                "fit_keypoints has no gradient by weights; detach them"
            )
        source, target, exact = ctx.batch.pullback(
            _array(dl_dtheta).astype(np.float64)
        )
        ctx.exact.append(exact)
        return (
            _tensor(source).reshape(ctx.shape).to(ctx.dtypes[0]),
            _tensor(target).reshape(ctx.shape).to(ctx.dtypes[1]),
            None,
            None,
            None,
        )


class _WithoutGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, name, *arguments):
        """`values`, which depend on the arguments in a way that is not differentiated."""
        ctx.name = name
        return values.clone()

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError(
            f"{ctx.name} has no gradient; detach its arguments where it is a constant of "
            "the loss"
        )


def transform(
    space: _core.Space, theta: torch.Tensor, points: torch.Tensor, stages: int
) -> torch.Tensor:
    return _OfFlow.apply(
        theta, points, space, stages, _kernels.transform, _kernels.transform_pullback
    )


def log_det(
    space: _core.Space, theta: torch.Tensor, points: torch.Tensor, stages: int
) -> torch.Tensor:
    return _OfFlow.apply(
        theta, points, space, stages, _kernels.log_det, _kernels.log_det_pullback
    )


def interpolate(
    data: torch.Tensor,
    points: torch.Tensor,
    lengths: Optional[np.ndarray],
    zero_beyond: bool,
) -> torch.Tensor:
    return _Interpolate.apply(data, points, lengths, zero_beyond)


def fit(
    source: torch.Tensor,
    target: torch.Tensor,
    weights: Any,
    function,
    exact: List[np.ndarray],
) -> torch.Tensor:
    return _Fit.apply(source, target, weights, function, exact)


def without_gradient(name: str, values: Any, *arguments: Any) -> torch.Tensor:
    """A tensor whose backward pass raises an error, if an argument wants a gradient."""
    tensor = torch.as_tensor(values)
    wanted = [a for a in arguments if isinstance(a, torch.Tensor) and a.requires_grad]
    if not wanted or not torch.is_grad_enabled():
        return tensor
    return _WithoutGradient.apply(tensor, name, *wanted)
