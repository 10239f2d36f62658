"""The options of Cpab by name, from any of the known libraries' order."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

_BASES = ("svd", "rref", "sparse", "qr")


def options_of(positional: Sequence[Any], named: dict) -> dict:
    """Constructor options by name, from any of the known libraries' order.

    libcpab: backend, device, zero_boundary, volume_perservation, override; its fork: device,
    zero_boundary, ...; FG-CPAB: zero_boundary, ...; difw: backend, device, zero_boundary,
    basis. Strings and booleans tell them apart.
    """
    options = {name: value for name, value in named.items() if value is not None}
    booleans = ["zero_boundary", "volume_perservation", "override"]
    for value in positional:
        if isinstance(value, (bool, np.bool_)) and booleans:
            name = booleans.pop(0)
        elif isinstance(value, str) or hasattr(value, "type"):
            value = str(value)
            name = (
                "backend"
                if value in ("numpy", "pytorch", "tensorflow")
                else "basis" if value in _BASES else "device"
            )
        else:
            raise TypeError(
                f"the argument {value!r} of Cpab is neither a name nor a bool"
            )
        if name in options:
            raise TypeError(f"Cpab has the argument {name} twice")
        options[name] = value
    return options


def checked_options(options: dict) -> dict:
    if options["backend"] not in ("numpy", "pytorch"):
        raise ValueError(f"backend is {options['backend']!r}; use 'numpy' or 'pytorch'")
    if str(options["device"]) != "cpu":
        raise ValueError(
            f"device is {options['device']!r}; pycpab computes on the 'cpu'"
        )
    if options["basis"] is not None and options["basis"] not in _BASES:
        raise ValueError(f"basis is {options['basis']!r}; use one of {_BASES} or none")
    for name in ("zero_boundary", "volume_perservation", "override"):
        if not isinstance(options[name], (bool, np.bool_)):
            raise TypeError(f"{name} is {options[name]!r}; use True or False")
    return options
