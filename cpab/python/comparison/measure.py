"""Time and memory of one library on one tessellation, in a process of its own.

    python3 measure.py LIBRARY CELLS...

prints a JSON object: forward and gradient in CPU nanoseconds a point, one thread, the
gradient being that of theta and its forward pass; memory in MB, the most that the gradient
of 65536 points took beyond what was there. libraries: pycpab, libcpab, difw.
"""

import json
import pathlib
import sys
import time
import warnings

import numpy as np

POINTS = 65536


def cpu_nanoseconds(call, points):
    """CPU time of a call for each point: the least of several within some seconds."""
    times = []
    start = time.monotonic()
    while len(times) < 7 and (len(times) < 1 or time.monotonic() - start < 5):
        before = time.process_time_ns()
        call()
        times.append((time.process_time_ns() - before) / points)
    return min(times)


def status_megabytes(name):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def megabytes(call):
    """The most memory that a call takes beyond what there is."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # The peak is what there is now.
    before = status_megabytes("VmRSS")
    call()
    return max(0.0, status_megabytes("VmHWM") - before)


def pycpab_calls(cells):
    import pycpab

    pycpab.set_num_threads(1)
    transform = pycpab.Cpab(cells, zero_boundary=True)
    theta = transform.sample_smooth(1, length_scale=1, speed=0.1, seed=1)
    rng = np.random.default_rng(1)
    grid = rng.uniform(0, 1, (1, len(cells), POINTS)).astype(np.float32)
    space = transform._space
    return (
        lambda: space.transform(theta, grid, 1),
        lambda: space.pullback(theta, grid, grid, 1),
    )


def libcpab_calls(cells):
    np.bool = bool  # Its release uses a name that NumPy 1.24 has no more.
    import torch
    import libcpab

    torch.set_num_threads(1)
    transform = libcpab.Cpab(cells, zero_boundary=True)
    torch.manual_seed(1)
    theta = 0.1 * transform.sample_transformation(1)
    grid = torch.rand(len(cells), POINTS)

    def gradient():
        parameter = theta.clone().requires_grad_(True)
        transform.transform_grid(grid, parameter).sum().backward()

    return lambda: transform.transform_grid(grid, theta), gradient


def difw_calls(cells):
    import difw

    transform = difw.Cpab(cells[0], "numpy", "cpu", True, "qr")
    theta = 0.1 * transform.sample_transformation(1)
    grid = np.random.default_rng(1).uniform(0, 1, POINTS)
    return (
        lambda: transform.transform_grid(grid, theta),
        lambda: transform.gradient_grid(grid, theta),
    )


def main():
    warnings.simplefilter("ignore")
    library, cells = sys.argv[1], [int(n) for n in sys.argv[2:]]
    calls = {
        "pycpab": pycpab_calls,
        "libcpab": libcpab_calls,
        "difw": difw_calls,
    }[library]
    forward, gradient = calls(cells)
    result = dict(memory=megabytes(gradient))
    result["forward"] = cpu_nanoseconds(forward, POINTS)
    result["gradient"] = cpu_nanoseconds(gradient, POINTS)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
