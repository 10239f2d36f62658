// Four doubles at once: the arithmetic of cpab/flow/packed_path.h.
//
// Compilers turn each operation into one AVX instruction or two of SSE2's,
// depending on the function that it is inlined into: all of them are.
// RunVectorised is that function.
//
// Private to //cpab. Tested by packed_path_test.cc.
#ifndef CPAB_FLOW_PACK_H_
#define CPAB_FLOW_PACK_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#define CPAB_INLINE inline __attribute__((always_inline))

namespace cpab {

// What comparisons give: all bits of a lane set, or none. (Where a file is not
// compiled for AVX, g++ aligns vectors to 16 bytes only, and allocates them so,
// and yet takes 32 for granted in RunWithAvx2.)
struct Mask {
  using Lanes = int64_t __attribute__((vector_size(32), aligned(32)));
  Lanes lanes;
};

// A struct around the vector, because a bare vector may not be an argument
// where the caller has AVX and the callee is not known to.
struct Pack {
  static constexpr int kSize = 4;
  using Lanes = double __attribute__((vector_size(32), aligned(32)));

  Pack() = default;
  // Not explicit, so that templates mix lanes and numbers.
  // NOLINTNEXTLINE(google-explicit-constructor)
  CPAB_INLINE Pack(double value) : lanes{value, value, value, value} {}
  CPAB_INLINE explicit Pack(const Lanes& values) : lanes(values) {}

  CPAB_INLINE double operator[](int i) const { return lanes[i]; }
  CPAB_INLINE void Set(int i, double value) { lanes[i] = value; }

  Lanes lanes;
};
static_assert(alignof(Mask) == 32 && alignof(Pack) == 32,
              "vectors in arrays and on the heap are aligned to their size");

// Four numbers of an array, at any address.
CPAB_INLINE Pack Load(const double* from) {
  Pack a;
  std::memcpy(&a.lanes, from, sizeof a.lanes);
  return a;
}
// Clang makes a detour of std::memcpy here, by way of the stack.
struct __attribute__((packed, may_alias)) UnalignedLanes {
  Pack::Lanes lanes;
};
CPAB_INLINE void Store(Pack a, double* to) {
  reinterpret_cast<UnalignedLanes*>(to)->lanes = a.lanes;
}

CPAB_INLINE Pack operator+(Pack a, Pack b) { return Pack(a.lanes + b.lanes); }
CPAB_INLINE Pack operator-(Pack a, Pack b) { return Pack(a.lanes - b.lanes); }
CPAB_INLINE Pack operator*(Pack a, Pack b) { return Pack(a.lanes * b.lanes); }
CPAB_INLINE Pack operator/(Pack a, Pack b) { return Pack(a.lanes / b.lanes); }
CPAB_INLINE Pack operator-(Pack a) { return Pack(-a.lanes); }

CPAB_INLINE Mask operator<(Pack a, Pack b) { return {a.lanes < b.lanes}; }
CPAB_INLINE Mask operator>(Pack a, Pack b) { return {a.lanes > b.lanes}; }
CPAB_INLINE Mask operator<=(Pack a, Pack b) { return {a.lanes <= b.lanes}; }
CPAB_INLINE Mask operator>=(Pack a, Pack b) { return {a.lanes >= b.lanes}; }
CPAB_INLINE Mask operator&(Mask a, Mask b) { return {a.lanes & b.lanes}; }
CPAB_INLINE Mask operator|(Mask a, Mask b) { return {a.lanes | b.lanes}; }
CPAB_INLINE Mask operator~(Mask a) { return {~a.lanes}; }

CPAB_INLINE bool Any(Mask m) {
  return (m.lanes[0] | m.lanes[1] | m.lanes[2] | m.lanes[3]) != 0;
}

// a where the mask is set, else b.
CPAB_INLINE Pack Select(Mask mask, Pack a, Pack b) {
  return Pack(mask.lanes ? a.lanes : b.lanes);
}
CPAB_INLINE Pack Min(Pack a, Pack b) { return Select(b < a, b, a); }
CPAB_INLINE Pack Max(Pack a, Pack b) { return Select(a < b, b, a); }
CPAB_INLINE Pack Abs(Pack a) { return Max(a, -a); }
CPAB_INLINE double Sum(Pack a) { return (a[0] + a[1]) + (a[2] + a[3]); }
CPAB_INLINE Pack Sqrt(Pack a) {
  return Pack(Pack::Lanes{std::sqrt(a[0]), std::sqrt(a[1]), std::sqrt(a[2]),
                          std::sqrt(a[3])});
}

// The same for one number, so that formulas can be written once for both.
CPAB_INLINE double Max(double a, double b) { return a < b ? b : a; }
CPAB_INLINE double Abs(double a) { return std::abs(a); }
CPAB_INLINE double Sqrt(double a) { return std::sqrt(a); }

#if defined(__x86_64__)
template <typename Work>
__attribute__((target("avx2,fma"))) void RunWithAvx2(Work* work) {
  work->Run();
}
#endif

// Calls work->Run(), which is CPAB_INLINE like all that it calls and that takes
// Packs, compiled for AVX2 where the processor has it. `Work` is of an unnamed
// namespace, since files differ in what they let the compiler fuse.
template <typename Work>
void RunVectorised(Work* work) {
#if defined(__x86_64__)
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx2) return RunWithAvx2(work);
#endif
  work->Run();
}

}  // namespace cpab

#endif  // CPAB_FLOW_PACK_H_
