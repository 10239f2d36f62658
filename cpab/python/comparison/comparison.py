"""Error and time of this library beside fixed steps, as a table.

    tools/bazelw run //cpab/python/comparison

Errors are the largest of any point, in sides of the domain: in one dimension against the
closed form in long double, in two against an event-driven solution in long double
(cpab/testdata), in three of the way there and back. "50 steps" are the explicit midpoint
steps of FG-CPAB on this library's velocities, in float64; libcpab's own 50 steps are stored
beside the solution. Times are of one thread for 65536 points in float32, in CPU
nanoseconds a point; the gradient is of theta and points, with its forward pass. difw is
timed where it is installed.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import struct
import time

import numpy as np

import pycpab
from pycpab import Cpab

_STEPS = 50
_POINTS = 65536


def processor():
    """The name of this machine's processor."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def stepped(transform, grid, theta):
    """T by 50 midpoint steps, [B, ndim, N]."""
    moved = np.broadcast_to(grid, (len(theta),) + grid.shape[-2:])
    for _ in range(_STEPS):
        half = moved + transform.calc_velocity(moved, theta) / (2 * _STEPS)
        moved = moved + transform.calc_velocity(half, theta) / _STEPS
    return moved


def exact_interval(transform, grid, theta):
    """T in one dimension by the closed form in long double, [B, N]."""
    cells = (
        (theta @ transform.get_basis().T)
        .reshape(len(theta), -1, 2)
        .astype(np.longdouble)
    )
    count = cells.shape[1]
    result = np.empty((len(theta), grid.shape[1]), np.longdouble)
    for b, field in enumerate(cells):
        for n, x in enumerate(grid[0].astype(np.longdouble)):
            cell = min(max(int(x * count), 0), count - 1)
            left = np.longdouble(1)
            while True:
                a, v = field[cell, 0], field[cell, 0] * x + field[cell, 1]
                step = 1 if v > 0 else -1
                end = np.longdouble(max(cell, cell + step)) / count
                ratio = 1 + a * (end - x) / v if v != 0 else np.longdouble(0)
                inner = 0 <= cell + step < count and ratio > 0
                needed = (
                    np.log(ratio) / a
                    if inner and a != 0
                    else (end - x) / v if inner else np.inf
                )
                if needed >= left:
                    x = x + (v * np.expm1(a * left) / a if a != 0 else v * left)
                    break
                x, left, cell = end, left - needed, cell + step
            result[b, n] = x
    return result


def golden(name):
    """Arrays of a stored trajectory file; see cpab/testdata/README.md."""
    root = pathlib.Path(__file__).parents[2] / "testdata"
    content = (root / f"cpab_traj_{name}.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    dtypes = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4"}
    arrays = {}
    for key, entry in header.items():
        if key != "__metadata__":
            begin, end = entry["data_offsets"]
            raw = content[8 + size + begin : 8 + size + end]
            arrays[key] = np.frombuffer(raw, dtypes[entry["dtype"]]).reshape(
                entry["shape"]
            )
    return arrays


def largest(a, b):
    return float(np.abs(a - b).max())


def cpu_nanoseconds(call, points):
    """CPU time of a call for each point: the least of several."""
    times = []
    for _ in range(7):
        before = time.process_time_ns()
        call()
        times.append((time.process_time_ns() - before) / points)
    return min(times)


def times_of(transform, theta):
    """Nanoseconds a point, forward and with the gradient."""
    rng = np.random.default_rng(1)
    count = _POINTS if transform.ndim < 3 else _POINTS // 16
    grid = rng.uniform(0, 1, (1, transform.ndim, count)).astype(np.float32)
    matrix = np.ascontiguousarray(theta[:1], dtype=np.float64)
    space = transform._space
    forward = cpu_nanoseconds(lambda: space.transform(matrix, grid, 1), count)
    gradient = cpu_nanoseconds(lambda: space.pullback(matrix, grid, grid, 1), count)
    return forward, gradient


def row(name, ours, single, steps, libcpab, forward, gradient):
    numbers = [
        f"{e:.0e}" if e is not None else "" for e in (ours, single, steps, libcpab)
    ]
    return f"| {name} | " + " | ".join(numbers) + f" | {forward:.0f} | {gradient:.0f} |"


def interval_rows():
    for cells in (5, 10, 50):
        transform = Cpab([cells], zero_boundary=True)
        theta = transform.sample_smooth(3, seed=1)
        grid = np.random.default_rng(1).uniform(0, 1, (1, 60))
        exact = exact_interval(transform, grid, theta)[:, None]
        moved = transform.transform_grid(grid, theta)
        single = transform.transform_grid(
            grid.astype(np.float32), theta.astype(np.float32)
        )
        yield row(
            f"1, {cells}",
            largest(moved, exact),
            largest(single, exact),
            largest(stepped(transform, grid, theta), exact),
            None,
            *times_of(transform, theta),
        )


def plane_rows():
    for cells in ([2, 2], [3, 5], [4, 4], [6, 6]):
        transform = Cpab(cells, zero_boundary=False)
        data = golden(f"{cells[0]}x{cells[1]}_zb0_vp0")
        grid = data["points"].astype(float)
        theta = transform.theta_from_cells(data["A"])
        # Displacements below the square's side.
        kept = np.abs(data["exact_f64"] - grid).max(axis=(1, 2)) < 1
        theta, exact = theta[kept], data["exact_f64"][kept]
        moved = transform.transform_grid(grid, theta)
        single = transform.transform_grid(
            grid.astype(np.float32), theta.astype(np.float32)
        )
        yield row(
            f"2, {cells[0]}x{cells[1]}",
            largest(moved, exact),
            largest(single, exact),
            largest(stepped(transform, grid, theta), exact),
            largest(data["libcpab_f32"][kept], exact),
            *times_of(transform, theta),
        )
    for cells in ([16, 16], [32, 32]):
        transform = Cpab(cells, zero_boundary=True)
        yield there_and_back(f"2, {cells[0]}x{cells[1]}", transform)


def there_and_back(name, transform):
    theta = transform.sample_smooth(2, length_scale=1, speed=0.1, seed=1)
    grid = np.random.default_rng(1).uniform(0, 1, (transform.ndim, 60))
    errors = []
    for dtype in (np.float64, np.float32):
        t, g = theta.astype(dtype), grid.astype(dtype)
        errors.append(largest(transform.inverse(transform.transform_grid(g, t), t), g))
    steps = largest(stepped(transform, stepped(transform, grid, theta), -theta), grid)
    return row(name + " *", *errors, steps, None, *times_of(transform, theta))


def volume_rows():
    for cells in ([2, 2, 2], [4, 4, 4], [6, 6, 6]):
        yield there_and_back(
            "3, " + "x".join(map(str, cells)), Cpab(cells, zero_boundary=True)
        )


def difw_line():
    """difw's time beside ours for the same fields; None if it is not installed."""
    if importlib.util.find_spec("difw") is None:
        return None
    import difw

    theirs = difw.Cpab(10, "numpy", "cpu", True, "qr")
    theta = theirs.sample_transformation(1)
    ours = Cpab(10, zero_boundary=True)
    own = ours.theta_from_basis(theta, theirs.params.B)
    grid = np.random.default_rng(1).uniform(0, 1, 4096)
    difference = largest(
        theirs.transform_grid(grid, theta), ours.transform_grid(grid, own)
    )
    time_of = lambda t, p: cpu_nanoseconds(lambda: t.transform_grid(grid, p), len(grid))
    return (
        f"difw (NumPy), 10 cells: {time_of(theirs, theta):.0f} ns a point, ours "
        f"{time_of(ours, own):.0f}; their largest difference is {difference:.0e}."
    )


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    pycpab.set_num_threads(1)
    print(f"One thread of: {processor()}\n")
    print(
        "| dimensions, cells | error | in float32 | 50 steps | libcpab | forward, ns | gradient, ns |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for rows in (interval_rows, plane_rows, volume_rows):
        for line in rows():
            print(line, flush=True)
    print("\n\\* there and back")
    line = difw_line()
    if line is not None:
        print(line)


if __name__ == "__main__":
    main()
