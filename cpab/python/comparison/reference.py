"""Solutions to compare with: in long double, stored, and by fixed steps."""

import json
import pathlib
import struct

import numpy as np


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


def golden_plane(transform):
    """Points, theta and the long-double solution on the tessellation of `transform`.

    The fields whose displacements are below the square's side, and the points' images by
    libcpab's own 50 steps in float32.
    """
    nx, ny = transform.tess_size
    data = golden(f"{nx}x{ny}_zb0_vp0")
    grid = data["points"].astype(float)
    kept = np.abs(data["exact_f64"] - grid).max(axis=(1, 2)) < 1
    theta = transform.theta_from_cells(data["A"])[kept]
    return grid, theta, data["exact_f64"][kept], data["libcpab_f32"][kept]


def stepped(transform, grid, theta, steps=50):
    """T by explicit midpoint steps, as FG-CPAB takes them, [B, ndim, N]."""
    moved = np.broadcast_to(grid, (len(theta),) + grid.shape[-2:])
    for _ in range(steps):
        half = moved + transform.calc_velocity(moved, theta) / (2 * steps)
        moved = moved + transform.calc_velocity(half, theta) / steps
    return moved


def largest(a, b):
    return float(np.abs(a - b).max())
