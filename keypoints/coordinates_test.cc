#include "keypoints/coordinates.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

TEST(Coordinates, MapTheSquaresOntoEachOther) {
  const Tensor centred = torch::tensor({-1., 0., 0.5, 1.});
  const Tensor unit = torch::tensor({0., 0.5, 0.75, 1.});
  EXPECT_THAT(UnitFromCentred(centred), TensorNear(unit, 0));
  EXPECT_THAT(CentredFromUnit(unit), TensorNear(centred, 0));
}

}  // namespace
}  // namespace keypoints
