"""What arguments are turned into before the library computes.

NumPy arrays are read where they lie, whatever their strides; only what has another
dtype, byte order or alignment is copied. Errors are ValueError for shapes and values
and TypeError for dtypes, and name the argument.
"""

from __future__ import annotations

import sys
from typing import Any, Optional, Sequence, Tuple

import numpy as np


# What an int of the extension can have.
LARGEST_INT = 2**31 - 1


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of torch, which is not imported for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def floats(name: str, value: Any) -> np.ndarray:
    """An aligned float32 or float64 array in native byte order.

    Integers become float64. Raises TypeError for any other dtype.
    """
    if is_tensor(value):
        raise TypeError(f"{name} is a tensor where an array is wanted")
    try:
        array = np.asarray(value)
    except ValueError:  # of lists of different lengths
        raise ValueError(f"{name} has elements of different shapes") from None
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {array.dtype}; use float32 or float64")
    return np.require(array, dtype=native, requirements="A")


def doubles(name: str, value: Any) -> np.ndarray:
    """A contiguous float64 array, of a tensor, too."""
    if is_tensor(value):
        from . import _autograd

        value = _autograd.checked(name, value).detach().numpy()
    return np.ascontiguousarray(floats(name, value), dtype=np.float64)


def shape_error(name: str, shape: Sequence[int], wanted: str) -> ValueError:
    return ValueError(f"{name} has shape {list(shape)}; use {wanted}")


def theta_matrix(theta: np.ndarray, size: int) -> np.ndarray:
    """[B, d] from [B, d] or [d]."""
    matrix = theta[None] if theta.ndim == 1 else theta
    if matrix.ndim != 2 or matrix.shape[1] != size:
        raise shape_error(
            "theta",
            theta.shape,
            f"[batch, {size}], as this tessellation has theta of {size}",
        )
    return matrix


def point_array(name: str, points: np.ndarray, dimensions: int) -> np.ndarray:
    """[B, D, N], or [1, D, N] from [D, N]."""
    array = points[None] if points.ndim == 2 else points
    if array.ndim != 3 or array.shape[1] != dimensions:
        raise shape_error(
            name,
            points.shape,
            f"[{dimensions}, points] or [batch, {dimensions}, points]",
        )
    return array


def common_batch(**arrays: np.ndarray) -> int:
    """The size of the first axes, where 1 goes with any other."""
    sizes = {name: array.shape[0] for name, array in arrays.items()}
    different = {size for size in sizes.values() if size != 1}
    if len(different) > 1:
        raise ValueError(
            "batch sizes differ: " + ", ".join(f"{n} has {s}" for n, s in sizes.items())
        )
    return different.pop() if different else 1


def repeat(array: np.ndarray, batch: int) -> np.ndarray:
    """The array with its first axis repeated, without a copy."""
    return np.broadcast_to(array, (batch,) + array.shape[1:])


def summed(gradient: np.ndarray, batch: int) -> np.ndarray:
    """The gradient of what `repeat` was given, whose first axis has `batch`."""
    return (
        gradient if gradient.shape[0] == batch else gradient.sum(axis=0, keepdims=True)
    )


def int_sequence(
    name: str, value: Any, length: Optional[int] = None
) -> Tuple[int, ...]:
    """A tuple of integers of at least 1."""
    try:
        items = tuple(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; use a list of integers") from None
    for item in items:
        if isinstance(item, (bool, np.bool_)) or not isinstance(
            item, (int, np.integer)
        ):
            raise TypeError(f"{name} has the element {item!r}; use integers")
        if not 1 <= item <= LARGEST_INT:
            raise ValueError(
                f"{name} has the element {item}; use at least 1 and at most {LARGEST_INT}"
            )
    if length is not None and len(items) != length:
        raise ValueError(f"{name} has {len(items)} elements; use {length}")
    return tuple(int(item) for item in items)


def count(name: str, value: Any, least: int = 0, most: int = LARGEST_INT) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; use an integer")
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}; use at least {least} and at most {most}")
    return int(value)


def number(name: str, value: Any, least: float = -np.inf) -> float:
    if isinstance(value, (str, bytes, bytearray)):  # which float() would parse
        raise TypeError(f"{name} is {value!r}; use a number")
    try:
        result = float(value)
    except OverflowError:  # an integer of more than 300 digits
        result = np.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; use a number") from None
    if not np.isfinite(result) or result < least:
        limit = f" of at least {least}" if np.isfinite(least) else ""
        raise ValueError(f"{name} is {value}; use a finite number{limit}")
    return result
