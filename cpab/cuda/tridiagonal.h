// Symmetric tridiagonal matrices of some tens of rows, for one thread.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_TRIDIAGONAL_H_
#define CPAB_CUDA_TRIDIAGONAL_H_

#include "cpab/cuda/host_device.h"

namespace cpab::kernels {

// Whether all eigenvalues are above `bound`: the signs of the pivots of
// T - bound, by Sylvester's law.
CPAB_HOST_DEVICE bool AllEigenvaluesAbove(const double* diagonal,
                                          const double* beside, int size,
                                          double bound) {
  double pivot = 1;
  for (int i = 0; i < size; ++i) {
    const double left = i > 0 ? beside[i - 1] : 0;
    pivot = diagonal[i] - bound - left * left / pivot;
    if (!(pivot > 0)) return false;
  }
  return true;
}

// x = T^-1 b for a positive definite T and b = (first, 0, 0, ...). pivots:
// scratch, [size].
CPAB_HOST_DEVICE void SolveTridiagonal(const double* diagonal,
                                       const double* beside, int size,
                                       double first, double* pivots,
                                       double* x) {
  for (int i = 0; i < size; ++i) {
    const double factor = i > 0 ? beside[i - 1] / pivots[i - 1] : 0;
    pivots[i] = diagonal[i] - (i > 0 ? factor * beside[i - 1] : 0);
    x[i] = i > 0 ? -factor * x[i - 1] : first;
  }
  for (int i = size - 1; i >= 0; --i) {
    if (i + 1 < size) x[i] -= beside[i] * x[i + 1];
    x[i] /= pivots[i];
  }
}

// The eigenvalues of T in `diagonal`, in any order, and the eigenvectors in the
// columns of vectors [size, size], by QL steps with Wilkinson's shift. `beside`
// has `size` elements, the last of which says nothing, and is lost. Returns
// false where one eigenvalue takes more than 60 steps, as where a number is not
// finite.
CPAB_HOST_DEVICE bool Eigendecompose(double* diagonal, double* beside, int size,
                                     double* vectors) {
  for (int i = 0; i < size * size; ++i) {
    vectors[i] = i % (size + 1) == 0 ? 1 : 0;
  }
  for (int first = 0; first < size; ++first) {
    for (int steps = 0;; ++steps) {
      // The block that begins at `first` ends where T splits.
      int last = first;
      while (last + 1 < size &&
             !(Abs(beside[last]) <=
               Precision<double>::kEpsilon *
                   (Abs(diagonal[last]) + Abs(diagonal[last + 1])))) {
        ++last;
      }
      if (last == first) break;
      if (steps == 60) return false;
      const double half =
          (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
      const double root = std::sqrt(half * half + 1);
      const double shift =
          diagonal[first] -
          beside[first] / (half < 0 ? half - root : half + root);
      // Rotations chase the bulge from the block's end to its beginning.
      double sine = 1, cosine = 1, carried = 0;
      double bulge = diagonal[last] - shift;
      bool split = false;
      for (int i = last - 1; i >= first; --i) {
        const double off = sine * beside[i], kept = cosine * beside[i];
        const double length = std::sqrt(off * off + bulge * bulge);
        beside[i + 1] = length;
        if (length == 0) {
          diagonal[i + 1] -= carried;
          split = true;
          break;
        }
        sine = off / length;
        cosine = bulge / length;
        const double lower = diagonal[i + 1] - carried;
        const double mixed = (diagonal[i] - lower) * sine + 2 * cosine * kept;
        carried = sine * mixed;
        diagonal[i + 1] = lower + carried;
        bulge = cosine * mixed - kept;
        for (int row = 0; row < size; ++row) {
          double* const pair = vectors + row * size + i;
          const double left = pair[0], right = pair[1];
          pair[1] = sine * left + cosine * right;
          pair[0] = cosine * left - sine * right;
        }
      }
      if (!split) {
        diagonal[first] -= carried;
        beside[first] = bulge;
      }
      beside[last] = 0;
    }
  }
  return true;
}

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_TRIDIAGONAL_H_
