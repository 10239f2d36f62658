// What lets one source be compiled for the processor and, by nvcc, for the GPU.
//
// The arithmetic of this folder is functions marked CPAB_HOST_DEVICE. They take
// plain numbers and raw pointers: no Eigen, no containers, no exceptions, so
// that tests of the host's build of them are tests of the GPU's arithmetic, up
// to rounding (nvcc fuses multiplications with additions).
//
// Private to //cpab/cuda. Tested by cell_flow_test.cc.
#ifndef CPAB_CUDA_HOST_DEVICE_H_
#define CPAB_CUDA_HOST_DEVICE_H_

#include <cmath>

// CPAB_ONE_COPY in front of CPAB_HOST_DEVICE: not inlined on the GPU, so that
// every call rounds alike.
#ifdef __CUDACC__
#define CPAB_HOST_DEVICE __host__ __device__ inline
#define CPAB_ONE_COPY __noinline__
#else
#define CPAB_HOST_DEVICE inline
#define CPAB_ONE_COPY
#endif

// In front of loops whose counters have to be constants on the GPU.
#ifdef __CUDA_ARCH__
#define CPAB_UNROLL _Pragma("unroll")
#else
#define CPAB_UNROLL
#endif

namespace cpab::kernels {

// A point or a velocity in the plane. `Real` is float or double throughout.
template <typename Real>
struct Vector {
  Real x, y;
};

template <typename Real>
CPAB_HOST_DEVICE Vector<Real> operator+(Vector<Real> a, Vector<Real> b) {
  return {a.x + b.x, a.y + b.y};
}
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> operator-(Vector<Real> a, Vector<Real> b) {
  return {a.x - b.x, a.y - b.y};
}
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> operator*(Real s, Vector<Real> a) {
  return {s * a.x, s * a.y};
}
template <typename Real>
CPAB_HOST_DEVICE Real Dot(Vector<Real> a, Vector<Real> b) {
  return a.x * b.x + a.y * b.y;
}

template <typename Real>
CPAB_HOST_DEVICE Real Min(Real a, Real b) {
  return b < a ? b : a;
}
template <typename Real>
CPAB_HOST_DEVICE Real Max(Real a, Real b) {
  return a < b ? b : a;
}
template <typename Real>
CPAB_HOST_DEVICE Real Abs(Real a) {
  return a < 0 ? -a : a;
}

// False for NaN and infinities, without a library's function, which a compiler
// with fast-math options may drop.
template <typename Real>
CPAB_HOST_DEVICE bool IsFinite(Real a) {
  return a - a == 0;
}
template <typename Real>
CPAB_HOST_DEVICE bool IsFinite(Vector<Real> v) {
  return IsFinite(v.x) && IsFinite(v.y);
}

// Constants of the number format.
template <typename Real>
struct Precision;

template <>
struct Precision<double> {
  static constexpr double kEpsilon = 2.220446049250313e-16;
  // Terms of the power series of an affine flow, a multiple of four: the first
  // one left out is below rounding at |eigenvalue t| = 1.
  static constexpr int kMaxTerms = 20;
  // |eigenvalue t| up to which 4, 8, 12 and 16 terms do: x^n / n! = 1e-17.
  static constexpr double kFourTerms = 1.2e-4;
  static constexpr double kEightTerms = 2.5e-2;
  static constexpr double kTwelveTerms = 0.2;
  static constexpr double kSixteenTerms = 0.58;
  // What a fifth-order Taylor series may be stretched to, in units of
  // 1 / |eigenvalue|: x^5 / 5! is below rounding.
  static constexpr double kSeriesReach = 2e-3;
};

template <>
struct Precision<float> {
  static constexpr float kEpsilon = 1.1920929e-7F;
  static constexpr int kMaxTerms = 12;
  // As above, with 2e-9 for what is left out.
  static constexpr float kFourTerms = 1.4e-2F;
  static constexpr float kEightTerms = 0.3F;
  static constexpr float kTwelveTerms = 1;
  static constexpr float kSixteenTerms = 1;
  static constexpr float kSeriesReach = 4e-2F;
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_HOST_DEVICE_H_
