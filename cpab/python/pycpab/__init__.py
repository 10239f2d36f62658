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

from ._core import num_threads as get_num_threads
from ._core import set_num_threads
from ._cpab import Cpab
from ._reports import FitReport, Jacobian, RegistrationReport
from ._sequential import CpabSequential
from ._version import __version__

cpab = Cpab  # The name in libcpab's first versions.

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
