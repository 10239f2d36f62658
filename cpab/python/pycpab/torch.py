"""pycpab for users of PyTorch: the same class, whose methods return tensors.

    from pycpab.torch import Cpab

Needs an installed torch, of any version from 1.13 on: tensors share their memory with
NumPy arrays, on which the library computes.
"""

from . import _autograd  # noqa: F401  (an ImportError here says that torch is missing)
from . import _cpab
from ._sequential import CpabSequential

__all__ = ["Cpab", "CpabSequential"]


class Cpab(_cpab.Cpab):
    __doc__ = _cpab.Cpab.__doc__

    _default_backend = "pytorch"
