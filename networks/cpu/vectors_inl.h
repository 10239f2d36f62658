// Vectors of kWidth floats. Included by one source for each instruction set,
// inside a namespace of its own that defines kWidth and NETWORKS_CPU_UNROLL. No
// includes, and no functions of the standard library: an inline function
// compiled here for a newer processor could replace the one that others call.

typedef float Vec __attribute__((vector_size(4 * kWidth)));
typedef float UnalignedVec
    __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(4 * kWidth)));

static inline Vec Load(const float* from) {
  return *reinterpret_cast<const UnalignedVec*>(from);
}

static inline void Store(Vec value, float* to) {
  *reinterpret_cast<UnalignedVec*>(to) = value;
}

static inline Vec LoadFirst(const float* from, int64_t n) {
  if (n >= kWidth) return Load(from);
  Vec value = {};
  for (int64_t i = 0; i < n; ++i) value[i] = from[i];
  return value;
}

static inline void StoreFirst(Vec value, float* to, int64_t n) {
  if (n >= kWidth) return Store(value, to);
  for (int64_t i = 0; i < n; ++i) to[i] = value[i];
}

// Of narrow factors: those that one product of four bytes takes.
static inline int FourBytesAt(const void* from) {
  int bytes;
  __builtin_memcpy(&bytes, from, sizeof(bytes));
  return bytes;
}

// NaN stays, as in LibTorch's.
static inline Vec Relu(Vec x) {
  const Vec zero = {};
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(x) & ~(x <= zero));
}

// Memory that is to be in the second-level cache soon: a piece of it for each
// term of the sums that are computed meanwhile.
struct Ahead {
  const char* data;
  int64_t step;  // bytes a term

  void Fetch() {
    __builtin_prefetch(data, /*for writing: no*/ 0, /*locality*/ 2);
    data += step;
  }
};
