"""What the methods of Cpab share: kinds of arrays, seeds, and small conversions."""

from __future__ import annotations

import sys
from typing import Any, List, Optional

import numpy as np

from . import _arrays

# What goes in and out: a NumPy array, or a tensor of torch on the CPU. A result is a
# tensor if one of the arguments is.
Array = Any
# A seed, a generator of NumPy or of torch, or None for what is not reproducible (arrays)
# or follows torch.manual_seed (tensors).
Seed = Any


def halvings(cells: int) -> List[int]:
    """[1, 2, 4, 8] for 8: numbers of cells from coarse to fine."""
    levels = [cells]
    while levels[0] % 2 == 0:
        levels.insert(0, levels[0] // 2)
    return levels


def picture(name: str, image: Array) -> np.ndarray:
    """A contiguous picture that OpenCV knows."""
    array = as_stored(name, image)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(f"{name} has dtype {array.dtype}; use uint8, uint16 or float32")
    return np.ascontiguousarray(array)


def volume(name: str, values: Array) -> np.ndarray:
    """A contiguous float32 volume; 8 and 16 bits go from 0 to 1."""
    array = as_stored(name, values)
    scales = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
    if array.dtype in scales:
        array = array / np.float32(scales[array.dtype])
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {array.dtype}; use uint8, uint16 or floats")
    if array.ndim != 3:
        raise _arrays.shape_error(name, array.shape, "[depth, rows, columns]")
    return np.ascontiguousarray(array, dtype=np.float32)


def autograd():
    from . import _autograd as module

    return module


def torch_of(value: Any):
    """torch, if the value is a generator of it."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(value, torch.Generator) else None


def plain(value: Array) -> Any:
    """The array of a tensor, on the CPU, or the value itself."""
    return (
        autograd().checked("the argument", value).detach().numpy()
        if _arrays.is_tensor(value)
        else value
    )


def as_stored(name: str, value: Array) -> np.ndarray:
    """An array or a tensor on the CPU as an array, in its own dtype, in native byte order."""
    if not _arrays.is_tensor(value):
        array = np.asarray(value)
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    tensor = autograd().on_cpu(name, value).detach()
    try:
        return tensor.numpy()
    except TypeError:  # bfloat16, say, which NumPy does not have
        raise TypeError(f"{name} has dtype {tensor.dtype}") from None


def with_dtype_of(made: Array, **values: Array) -> Array:
    """What was made here, as an array or tensor of the common dtype of the user's."""
    if any(_arrays.is_tensor(value) for value in values.values()):
        torch = autograd().torch
        dtypes = [autograd().checked(n, value).dtype for n, value in values.items()]
        dtype = torch.float64 if torch.float64 in dtypes else torch.float32
        return autograd().checked("the grid", made).to(dtype)
    dtype = np.result_type(*(_arrays.floats(n, value) for n, value in values.items()))
    return np.asarray(made).astype(dtype, copy=False)


def swapped(data: Array) -> Array:
    """[B, C, ...] with the order of its spatial axes reversed."""
    order = (0, 1) + tuple(range(np.ndim(data) - 1, 1, -1))
    return (
        data.permute(order)
        if _arrays.is_tensor(data)
        else np.transpose(data, order)
    )


def scaled(theta: Array, time: float) -> Array:
    factor = _arrays.number("time", time)
    if factor == 1:
        return theta
    # Before the product: a tensor of integers would become one of float32.
    checked = autograd().checked if _arrays.is_tensor(theta) else _arrays.floats
    return checked("theta", theta) * factor


def squared_time(time: float, N: int) -> float:
    """time 2^N. 2^1023 is the largest power of two that a float has."""
    product = _arrays.number("time", time) * 2 ** _arrays.count("N", N, most=1023)
    if not np.isfinite(product):
        raise ValueError(f"time is {time} and N is {N}; use a finite time 2^N")
    return product


def checked_seed(seed: Any) -> Optional[int]:
    return None if seed is None else _arrays.count("seed", seed, most=2**63 - 1)


def root(cov: np.ndarray, d: int) -> np.ndarray:
    """R with R R^T = cov, which may be singular."""
    if cov.shape != (d, d):
        raise _arrays.shape_error("cov", cov.shape, f"[{d}, {d}]")
    if not np.isfinite(cov).all():
        raise ValueError("cov has an element that is not finite")
    if not np.allclose(cov, cov.T, rtol=1e-5, atol=1e-8 * max(1.0, np.abs(cov).max())):
        raise ValueError("cov is not symmetric")
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-6 * max(values[-1], 1e-300):
        raise ValueError(f"cov has the eigenvalue {values[0]:.3g}; use at least 0")
    return vectors * np.sqrt(np.maximum(values, 0))


def lengths_array(lengths: Any) -> np.ndarray:
    array = np.asarray(
        plain(lengths)
        if _arrays.is_tensor(lengths) and lengths.is_floating_point()
        else lengths
    )
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths has dtype {array.dtype}; use integers")
    # A copy: the backward pass needs them as they are now.
    return np.array(array, dtype=np.int64)
