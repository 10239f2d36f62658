// Products of any number of rows, from the MultiplyRows<kR> of an instruction
// set and types of factors and sums. Included after it and vectors_inl.h,
// inside a namespace that also defines kRows, the most rows that registers
// hold; what is said in vectors_inl.h about includes holds here, too.
//
// Tested by the tests of the kernels.

template <int kR, typename Left, typename Right, typename Sum>
static void MultiplyAtMost(const Left* a, int64_t a_stride, const Right* b,
                           Sum* c, int64_t c_stride, int64_t rows,
                           int64_t depth, Ahead& ahead) {
  if constexpr (kR > 0) {
    if (rows == kR) {
      MultiplyRows<kR>(a, a_stride, b, c, c_stride, depth, ahead);
    } else {
      MultiplyAtMost<kR - 1>(a, a_stride, b, c, c_stride, rows, depth, ahead);
    }
  }
}

template <typename Left, typename Right, typename Sum>
static void Multiply(const Left* a, int64_t a_stride, const Right* b, Sum* c,
                     int64_t c_stride, int64_t rows, int64_t depth) {
  // Panels lie in memory in the order in which callers use them. Evenly fetched
  // while this one passes as often as there are groups of rows, the next one
  // does not have to wait for memory.
  const int64_t groups = (rows + kRows - 1) / kRows;
  constexpr int64_t kBytesOfTerm = 2 * sizeof(Vec);
  Ahead ahead{reinterpret_cast<const char*>(b + 2 * kWidth * depth),
              kBytesOfTerm / (groups > 0 ? groups : 1)};
  for (; rows >= kRows; rows -= kRows) {
    MultiplyRows<kRows>(a, a_stride, b, c, c_stride, depth, ahead);
    a += kRows * a_stride;
    c += kRows * c_stride;
  }
  MultiplyAtMost<kRows - 1>(a, a_stride, b, c, c_stride, rows, depth, ahead);
}
