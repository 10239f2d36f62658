"""The class Cpab: continuous piecewise-affine transforms of 1, 2 and 3 dimensions."""

from ._fits import Fits


class Cpab(Fits):
    """Transforms T(x; theta) of the unit interval, square or cube.

    T is the unit-time flow of a velocity field that is continuous, and affine in every cell
    of a tessellation: smooth, invertible (T(.; -theta) undoes T(.; theta)), exact to
    rounding, with exact derivatives. There are no steps to choose.

    tess_size            number of cells along each axis, 1 to 3 of them; [4, 4] has 64
                         triangles. An int is one dimension in the layout of difw: points
                         are [N] or [B, N], data [B, L, C].
    backend              'numpy' or 'pytorch': the kind of array that methods without array
                         arguments return
    device               'cpu'
    zero_boundary        no velocity normal to the border, so that T maps the square onto
                         itself; points may slide along the border
    volume_perservation  no divergence, so that T keeps areas (also: volume_preservation)
    sparse_basis         store the basis sparsely: memory and time by the number of cells, and
                         another theta for the same field. Always so for more than 32 cells
                         along an axis in two dimensions (up to 128) and 8 in three (up to
                         32); not in one (up to 1000)
    override, basis      taken and not used: nothing is cached, and the basis is orthonormal

    Points ("grid") are [ndim, N] for all transforms, or [B, ndim, N]; float32 or float64,
    of any strides; component 0 is x. Everything is computed in float64. Points that are not
    finite become NaN. theta is [B, d] or [d]; 1 goes with any B. theta of libcpab and difw
    means another basis: see `theta_from_basis`.

    Raises ValueError for wrong shapes and values, TypeError for wrong types.
    """
