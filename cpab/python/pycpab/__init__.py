"""Smooth invertible transforms of signals, images and volumes: CPAB, exact.

    from pycpab import Cpab                 # NumPy; libcpab's and difw's names
    from pycpab.torch import Cpab           # tensors of PyTorch; FG-CPAB's names

    T = Cpab([4, 4], zero_boundary=True)
    grid = T.uniform_meshgrid([64, 64])     # [2, 4096]
    theta = T.sample_smooth(3, seed=1)      # [3, d]
    moved = T.transform_grid(grid, theta)   # [3, 2, 4096]
    back = T.inverse(moved, theta)          # grid again, to rounding

Computes on the CPU, on all its processors, without the interpreter's lock.
"""

from . import _arrays, _core
from ._cpab import Cpab
from ._reports import FitReport, Jacobian, RegistrationReport
from ._sequential import CpabSequential
from ._version import __version__

cpab = Cpab  # The name in libcpab's first versions.


def get_num_threads() -> int:
    """How many threads a call uses."""
    return _core.num_threads()


def set_num_threads(num_threads: int) -> None:
    """Threads that calls which begin from now on use, 1 to 1024; all processors at first.

    Results do not depend on it. Raises ValueError out of range.
    """
    _core.set_num_threads(
        _arrays.count("num_threads", num_threads, least=1, most=1024)
    )


__all__ = [
    "Cpab",
    "CpabSequential",
    "FitReport",
    "Jacobian",
    "RegistrationReport",
    "__version__",
    "cpab",
    "get_num_threads",
    "set_num_threads",
]
