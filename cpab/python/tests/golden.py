"""Reads golden data: a .safetensors file as NumPy arrays; see cpab/testdata/README.md."""

import json
import os
import struct

import numpy as np

_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4"}


def read(path):
    """A dict of arrays by name, with the file's metadata under "metadata".

    path is relative to the workspace's root, as tests see their data.
    """
    root = os.path.join(
        os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", "")
    )
    with open(os.path.join(root, path), "rb") as file:
        content = file.read()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    tensors = {"metadata": header.pop("__metadata__", {})}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = content[8 + size + begin : 8 + size + end]
        tensors[name] = np.frombuffer(raw, _DTYPES[entry["dtype"]]).reshape(
            entry["shape"]
        )
    return tensors
