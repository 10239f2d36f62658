"""Error, time and memory of this library beside others, as a table and as pictures.

    tools/bazelw run //cpab/python/comparison -- $PWD/cpab/pictures

Errors are the largest of any point, in sides of the domain: in one dimension against the
closed form in long double, in two against an event-driven solution in long double
(cpab/testdata), in three, and where (*) stands, of the way there and back. "50 steps" are
the explicit midpoint steps of FG-CPAB on this library's velocities, in float64. Times are of
one thread for 65536 points in float32, in CPU nanoseconds a point; the gradient is of theta,
with its forward pass; memory is what that took beyond what was there, in MB. Figures after a
slash are those of the library beside.

libcpab, difw, torch and matplotlib are used where PYTHONPATH has them: without them their
rows and the pictures are left out.
"""

import argparse
import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import measure
import reference
from reference import largest

from pycpab import Cpab


def has(*modules):
    return all(importlib.util.find_spec(name) is not None for name in modules)


def processor():
    """The name of this machine's processor."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


@functools.lru_cache(maxsize=None)
def measured(library, *cells):
    """What measure.py says, in a process of its own; None if it has none."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    done = subprocess.run(
        [sys.executable, measure.__file__, library, *map(str, cells)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def shown(error):
    return "" if error is None else f"{error:.0e}"


def row(cells, errors, other="", other_error=None, mark=""):
    """One row: this library's figures, and after a slash those of the other one."""
    name = "x".join(map(str, cells)) + mark
    ours = measured("pycpab", *cells)
    theirs = measured(other, *cells) if other else None
    figures = []
    for key in ("forward", "gradient", "memory"):
        both = [f"{times[key]:.0f}" for times in (ours, theirs) if times is not None]
        figures.append(" / ".join(both))
    print(
        "| "
        + " | ".join([name, *map(shown, errors), other, shown(other_error), *figures])
        + " |"
    )
    sys.stdout.flush()


def there_and_back(transform, dtype=np.float64):
    theta = transform.sample_smooth(2, length_scale=1, speed=0.1, seed=1).astype(dtype)
    grid = np.random.default_rng(1).uniform(0, 1, (transform.ndim, 60)).astype(dtype)
    return largest(transform.inverse(transform.transform_grid(grid, theta), theta), grid)


def steps_there_and_back(transform):
    theta = transform.sample_smooth(2, length_scale=1, speed=0.1, seed=1)
    grid = np.random.default_rng(1).uniform(0, 1, (transform.ndim, 60))
    return largest(
        reference.stepped(transform, reference.stepped(transform, grid, theta), -theta),
        grid,
    )


def single(transform, grid, theta):
    """T in float32."""
    return transform.transform_grid(grid.astype(np.float32), theta.astype(np.float32))


def difw_error(cells):
    import difw

    theirs = difw.Cpab(cells, "numpy", "cpu", True, "qr")
    ours = Cpab([cells], zero_boundary=True)
    theta = ours.sample_smooth(3, seed=1)
    same = (theta @ ours.get_basis().T) @ np.linalg.pinv(theirs.params.B).T
    grid = np.random.default_rng(1).uniform(0, 1, (1, 60))
    return largest(
        np.asarray(theirs.transform_grid(grid[0], same)),
        reference.exact_interval(ours, grid, theta),
    )


def libcpab_error(cells):
    """libcpab's package on the stored fields, in float32 as it computes."""
    np.bool = bool
    import torch
    import libcpab

    ours = Cpab(cells, zero_boundary=False)
    grid, theta, exact, _ = reference.golden_plane(ours)
    theirs = libcpab.Cpab(cells, zero_boundary=False)
    same = (theta @ ours.get_basis().T) @ np.linalg.pinv(np.asarray(theirs.get_basis())).T
    moved = theirs.transform_grid(
        torch.tensor(grid, dtype=torch.float32), torch.tensor(same, dtype=torch.float32)
    )
    return largest(np.asarray(moved), exact)


def interval_rows():
    for count in (5, 10, 50):
        transform = Cpab([count], zero_boundary=True)
        theta = transform.sample_smooth(3, seed=1)
        grid = np.random.default_rng(1).uniform(0, 1, (1, 60))
        exact = reference.exact_interval(transform, grid, theta)[:, None]
        errors = (
            largest(transform.transform_grid(grid, theta), exact),
            largest(single(transform, grid, theta), exact),
            largest(reference.stepped(transform, grid, theta), exact),
        )
        if has("difw"):
            row([count], errors, "difw", difw_error(count))
        else:
            row([count], errors)


def plane_rows():
    for cells in ([2, 2], [3, 5], [4, 4], [6, 6]):
        transform = Cpab(cells, zero_boundary=False)
        grid, theta, exact, _ = reference.golden_plane(transform)
        errors = (
            largest(transform.transform_grid(grid, theta), exact),
            largest(single(transform, grid, theta), exact),
            largest(reference.stepped(transform, grid, theta), exact),
        )
        if has("libcpab", "torch"):
            row(cells, errors, "libcpab", libcpab_error(cells))
        else:
            row(cells, errors)


def gentle_rows():
    for cells in (
        [16, 16],
        [32, 32],
        [64, 64],
        [2, 2, 2],
        [4, 4, 4],
        [6, 6, 6],
        [16, 16, 16],
    ):
        transform = Cpab(cells, zero_boundary=True)
        errors = (
            there_and_back(transform),
            there_and_back(transform, np.float32),
            steps_there_and_back(transform),
        )
        beside = has("libcpab", "torch") and np.prod(cells) <= 64
        row(cells, errors, "libcpab" if beside else "", mark=" (*)")


def draw_errors(path, pyplot):
    """Error against steps, for the stored fields on 4x4 cells."""
    transform = Cpab([4, 4], zero_boundary=False)
    grid, theta, exact, _ = reference.golden_plane(transform)
    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    errors = [largest(reference.stepped(transform, grid, theta, n), exact) for n in steps]
    figure, axes = pyplot.subplots(figsize=(6, 4), dpi=120)
    axes.loglog(steps, errors, "o-", label="midpoint steps, float64")
    axes.axhline(
        largest(transform.transform_grid(grid, theta), exact),
        color="tab:green",
        label="pycpab, float64",
    )
    axes.axhline(
        largest(single(transform, grid, theta), exact),
        color="tab:green",
        linestyle="--",
        label="pycpab, float32",
    )
    if has("libcpab", "torch"):
        axes.plot([50], [libcpab_error([4, 4])], "s", color="tab:red", label="libcpab, float32")
    axes.set_xlabel("steps")
    axes.set_ylabel("largest error, in sides of the square")
    axes.set_title("4x4 cells, against a solution in long double")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path / "error_of_steps.png")


def draw_times(path, pyplot):
    """Time a point against the number of cells along each axis."""
    figure, panels = pyplot.subplots(1, 3, figsize=(12, 4), dpi=120)
    # Those of the table.
    sizes = {1: (5, 10, 50), 2: (2, 4, 6, 16, 32, 64), 3: (2, 4, 6, 16)}
    others = {1: ("difw", 50), 2: ("libcpab", 6), 3: ("libcpab", 4)}
    for axes, (ndim, counts) in zip(panels, sizes.items()):
        other, most = others[ndim]
        for library, limit in (("pycpab", max(counts)), (other, most)):
            if not has(*(("libcpab", "torch") if library == "libcpab" else (library,))):
                continue
            shown = [n for n in counts if n <= limit]
            results = [measured(library, *[n] * ndim) for n in shown]
            for key, style in (("forward", "o-"), ("gradient", "s--")):
                axes.loglog(
                    shown,
                    [r[key] if r else np.nan for r in results],
                    style,
                    color="tab:green" if library == "pycpab" else "tab:red",
                    label=f"{library}, {key}",
                )
        axes.set_title(f"{ndim} dimension{'s' if ndim > 1 else ''}")
        axes.set_xticks(counts, [str(n) for n in counts])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("cells along each axis")
        axes.legend(fontsize=8)
    panels[0].set_ylabel("CPU ns a point, one thread")
    figure.tight_layout()
    figure.savefig(path / "time_of_cells.png")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pictures",
        nargs="?",
        type=pathlib.Path,
        help="a folder for the two pictures (matplotlib)",
    )
    arguments = parser.parse_args()
    print(f"One thread of: {processor()}\n")
    print(
        "| cells | error | in float32 | 50 steps | beside | its error | forward, ns | "
        "gradient, ns | memory, MB |"
    )
    print("| --- " * 9 + "|")
    interval_rows()
    plane_rows()
    gentle_rows()
    if arguments.pictures is None:
        return
    if not has("matplotlib"):
        parser.error("pictures need matplotlib on PYTHONPATH")
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    draw_errors(arguments.pictures, pyplot)
    draw_times(arguments.pictures, pyplot)


if __name__ == "__main__":
    main()
