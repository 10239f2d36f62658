#include "networks/weights/fingerprint.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace networks::weights {
namespace {

using ::testing::MatchesRegex;

torch::nn::BatchNorm2d Norm() { return torch::nn::BatchNorm2d(3); }

TEST(Fingerprint, IsThatOfTheValues) {
  const std::string first = Fingerprint(*Norm());
  EXPECT_THAT(first, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(Fingerprint(*Norm()), first);
}

TEST(Fingerprint, DiffersWithEveryWeightAndBuffer) {
  const std::string first = Fingerprint(*Norm());
  torch::nn::BatchNorm2d weight = Norm(), buffer = Norm();
  {
    const torch::NoGradGuard no_grad;
    weight->weight[1].add_(1e-6);
    buffer->running_mean[2].add_(1e-6);
  }
  EXPECT_NE(Fingerprint(*weight), first);
  EXPECT_NE(Fingerprint(*buffer), first);
  EXPECT_NE(Fingerprint(*torch::nn::BatchNorm1d(4)), first);
  // The same values under other names.
  EXPECT_NE(Fingerprint(*torch::nn::Sequential(Norm())), first);
}

TEST(Fingerprint, PassesOverCountersAndPrecision) {
  const std::string first = Fingerprint(*Norm());
  torch::nn::BatchNorm2d norm = Norm();
  norm->num_batches_tracked.fill_(7);
  EXPECT_EQ(Fingerprint(*norm), first);
  norm->to(torch::kFloat64);
  EXPECT_EQ(Fingerprint(*norm), first);
}

}  // namespace
}  // namespace networks::weights
