// What tests need that are written once for one, two and three dimensions.
#ifndef CPAB_BATCH_DIMENSIONS_TEST_UTIL_H_
#define CPAB_BATCH_DIMENSIONS_TEST_UTIL_H_

#include <memory>

#include "cpab/field/basis.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"
#include "gtest/gtest.h"

namespace cpab::test_util {

// The number of dimensions as a type, for typed tests.
template <int D>
struct Dimensions {
  static constexpr int kValue = D;
};
using AllDimensions =
    ::testing::Types<Dimensions<1>, Dimensions<2>, Dimensions<3>>;

// A small basis: 5 cells; 3 x 2 rectangles, of 4 cells each; 2 x 1 x 2 boxes,
// of 5 cells each.
inline std::shared_ptr<const IntervalBasis> BasisFor(Dimensions<1>) {
  return IntervalBasis::Create({5}).value();
}
inline std::shared_ptr<const Basis> BasisFor(Dimensions<2>) {
  return Basis::Create({3, 2}).value();
}
inline std::shared_ptr<const VolumeBasis> BasisFor(Dimensions<3>) {
  return VolumeBasis::Create({2, 1, 2}).value();
}

}  // namespace cpab::test_util

#endif  // CPAB_BATCH_DIMENSIONS_TEST_UTIL_H_
