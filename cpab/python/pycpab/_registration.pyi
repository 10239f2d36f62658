from typing import Sequence, Tuple

import numpy as np

def register(
    moving: np.ndarray,
    fixed: np.ndarray,
    cells: Sequence[int],
    zero_boundary: bool,
    volume_preserving: bool,
    largest_side: int,
    noise: float,
    length_scale: float,
    speed: float,
    gradient: float,
    max_iterations: int,
    tolerance: float,
    num_stages: int,
    sparse_basis: bool,
) -> Tuple[np.ndarray, float, float, int, bool]: ...
