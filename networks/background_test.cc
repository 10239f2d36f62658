#include "networks/background.h"

#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::FillUniform;
using test_util::KeysAndShapes;
using test_util::ReadKeyList;
using test_util::TensorNear;
using ::testing::ContainerEq;
using torch::Tensor;

TEST(StateDict, BackgroundPredictorHasTheOriginalsKeys) {
  EXPECT_THAT(
      KeysAndShapes(*BackgroundPredictor()),
      ContainerEq(ReadKeyList("networks/testdata/keys_bg_predictor.txt")));
}

TEST(Initialization, BackgroundPredictorBeginsWithTheIdentity) {
  BackgroundPredictor predictor;
  const Tensor source = FillUniform("s", {2, 3, 64, 64});
  EXPECT_THAT(predictor(source, source.flip(3)),
              TensorNear(torch::eye(3).expand({2, 3, 3}), 0));
}

}  // namespace
}  // namespace networks
