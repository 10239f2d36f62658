"""Warps of signals, images and volumes."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from . import _arrays, _kernels
from ._flows import Flows
from ._values import (
    Array,
    autograd,
    lengths_array,
    scaled,
    squared_time,
    swapped,
    with_dtype_of,
)


class Warps(Flows):
    """Interpolation and warps; see Cpab."""

    def interpolate(
        self,
        data: Array,
        grid: Array,
        outsize: Union[int, Sequence[int]],
        lengths: Any = None,
        outside: str = "nearest",
        channels_last: Optional[bool] = None,
    ) -> Array:
        """Linear interpolation of sampled data at points; differentiable in both.

        data      [B, *size, C] for arrays, as libcpab has it for NumPy; [B, C, *size] for
                  tensors, as for PyTorch. channels_last=True or False overrides that.
                  Coordinate a runs along spatial axis a: an image [rows, columns] has its
                  x along the rows. Centres of the first and last sample are 0 and 1.
        grid      [B, ndim, N] with N the product of outsize, x running fastest
        lengths   as many as data: how many samples of each signal count (one dimension), the last of
                  which is at 1; what follows them is padding
        outside   'nearest' sample beyond the border, or 'zero'
        Returns   as data, with outsize in the place of its size.
        """
        sizes = _arrays.int_sequence(
            "outsize", [outsize] if np.ndim(outsize) == 0 else outsize, self.ndim
        )
        values = self._sampled(
            data, self._raised(grid), lengths, outside, channels_last
        )
        if values.shape[-1] != int(np.prod(sizes)):
            raise ValueError(
                f"the grid has {values.shape[-1]} points; outsize {list(sizes)} wants "
                f"{int(np.prod(sizes))}"
            )
        shaped = values.reshape(*values.shape[:2], *reversed(sizes))
        order = (0, 1) + tuple(range(self.ndim + 1, 1, -1))
        if self._channels_last(data, channels_last):
            order = order[:1] + order[2:] + order[1:2]
        return (
            shaped.transpose(order)
            if isinstance(shaped, np.ndarray)
            else shaped.permute(order)
        )

    def transform_data(
        self,
        data: Array,
        theta: Array,
        outsize: Union[None, int, Sequence[int]] = None,
        method: Optional[str] = None,
        time: float = 1.0,
        outside: str = "nearest",
        channels_last: Optional[bool] = None,
    ) -> Array:
        """Warps signals, images or volumes: result(x) = data(T(x; theta)).

        Contents move by the inverse: pass -theta to carry them along T. theta may be a chain
        [n, B, d], as fits and registration find it, whose stages take unit time together.
        outsize is the
        number of samples along each axis of the result, by default that of data. Layouts
        as `interpolate`. Differentiable once in data and theta if those are tensors.
        """
        del method
        if outsize is None:
            outsize = self._size_of(data, channels_last)
        theta = self._stacked("theta", theta)
        grid = with_dtype_of(self._grid(outsize, "outsize"), data=data, theta=theta)
        if np.ndim(theta) == 3:
            moved = self.transform_grid_chain(grid, scaled(theta, time), True)
        else:
            moved = self.transform_grid(grid, theta, time=time)
        return self.interpolate(data, moved, outsize, None, outside, channels_last)

    def transform_data_ss(
        self,
        data: Array,
        theta: Array,
        outsize: Union[None, int, Sequence[int]] = None,
        method: Optional[str] = None,
        time: float = 1.0,
        N: int = 0,
    ) -> Array:
        """As transform_data, for time 2^N; see transform_grid_ss."""
        return self.transform_data(data, theta, outsize, method, squared_time(time, N))

    def warp_images(
        self, images: Array, theta: Array, outside: str = "nearest"
    ) -> Array:
        """Warps images [B, C, rows, columns] with x to the right and y down.

        As transform_data, in the layout and axes that pictures have.
        """
        self._require(2, "warp_images")
        axes = "[batch, channels, rows, columns]"
        return self._warp_swapped("images", images, axes, theta, outside)

    def warp_volumes(
        self, volumes: Array, theta: Array, outside: str = "nearest"
    ) -> Array:
        """Warps volumes [B, C, depth, rows, columns] with x along the columns.

        As transform_data, in the layout and axes that `register` has.
        """
        self._require(3, "warp_volumes")
        axes = "[batch, channels, depth, rows, columns]"
        return self._warp_swapped("volumes", volumes, axes, theta, outside)

    def warp_signals(
        self,
        signals: Array,
        theta: Array,
        lengths: Any = None,
        outside: str = "nearest",
    ) -> Array:
        """Warps signals [B, C, L]: result(t) = signal(T(t; theta)), t from 0 to 1.

        theta may be a chain, as for transform_data. lengths, as many as signals: they are of
        different lengths, padded to L; each fills its own interval, and the result is 0
        behind it. Differentiable once in signals and theta.
        """
        self._require(1, "warp_signals")
        if np.ndim(signals) != 3:
            raise _arrays.shape_error(
                "signals", np.shape(signals), "[batch, channels, samples]"
            )
        if lengths is None:
            return self.transform_data(
                signals, theta, outside=outside, channels_last=False
            )
        return self._warp_ragged(signals, theta, lengths, outside)

    def _warp_swapped(
        self, name: str, data: Array, axes: str, theta: Array, outside: str
    ) -> Array:
        if np.ndim(data) != self.ndim + 2:
            raise _arrays.shape_error(name, np.shape(data), axes)
        return swapped(
            self.transform_data(
                swapped(data), theta, outside=outside, channels_last=False
            )
        )

    def _channels_last(self, data: Array, channels_last: Optional[bool]) -> bool:
        if channels_last is not None:
            return bool(channels_last)
        return self._flat or not _arrays.is_tensor(data)

    def _size_of(self, data: Array, channels_last: Optional[bool]) -> Tuple[int, ...]:
        shape = np.shape(data)
        if len(shape) != self.ndim + 2:
            raise _arrays.shape_error("data", shape, f"{self.ndim + 2} axes")
        return tuple(
            shape[1:-1] if self._channels_last(data, channels_last) else shape[2:]
        )

    def _sampled(
        self,
        data: Array,
        grid: Array,
        lengths: Any,
        outside: str,
        channels_last: Optional[bool],
    ) -> Array:
        """[B, C, N]."""
        self._size_of(data, channels_last)
        if outside not in ("nearest", "zero"):
            raise ValueError(f"outside is {outside!r}; use 'nearest' or 'zero'")
        zero = outside == "zero"
        counts = None if lengths is None else lengths_array(lengths)
        last = self._channels_last(data, channels_last)
        if _arrays.is_tensor(data) or _arrays.is_tensor(grid):
            torch_calls = autograd()
            samples = torch_calls.checked("data", data)
            samples = samples.movedim(-1, 1) if last else samples
            return torch_calls.interpolate(
                samples, torch_calls.checked("the grid", grid), counts, zero
            )
        samples = _arrays.floats("data", data)
        samples = np.moveaxis(samples, -1, 1) if last else samples
        return _kernels.interpolate(
            samples, _arrays.floats("the grid", grid), counts, zero
        )

    def _warp_ragged(
        self, signals: Array, theta: Array, lengths: Any, outside: str
    ) -> Array:
        theta, stages = self._stacked("theta", theta), 1
        if theta.ndim == 3:
            theta, stages = self._chain(theta, scale_by_dt=True)
        counts = lengths_array(lengths)
        batch, _, size = np.shape(signals)
        if counts.shape != (batch,) or not ((1 <= counts) & (counts <= size)).all():
            raise ValueError(
                f"lengths is {counts.tolist()}; use {batch} numbers from 1 to {size}"
            )
        grid = np.arange(size) / np.maximum(counts - 1, 1)[:, None]
        inside = np.arange(size) < counts[:, None]
        grid = with_dtype_of(
            np.where(inside, grid, 0.0)[:, None], signals=signals, theta=theta
        )
        moved = self._transform(grid, theta, stages)
        values = self._sampled(signals, moved, counts, outside, channels_last=False)
        # Not by a factor: the padding's grid is 0, whose image may be NaN.
        if _arrays.is_tensor(values):
            mask = autograd().torch.from_numpy(inside[:, None])
            return values.masked_fill(~mask, 0)
        return np.where(inside[:, None], values, values.dtype.type(0))
