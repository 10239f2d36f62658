#include "cpab/registration/volume_similarity.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace cpab {
namespace {

SampledVolume Noise(std::array<int64_t, 3> size, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  SampledVolume volume = {size, {}};
  for (int64_t n = 0; n < volume.NumVoxels(); ++n) {
    volume.values.push_back(uniform(generator));
  }
  return volume;
}

Eigen::VectorXd ValuesOf(const SampledVolume& volume) {
  return Eigen::Map<const Eigen::VectorXf>(volume.values.data(),
                                           volume.NumVoxels())
      .cast<double>();
}

constexpr std::array<int64_t, 3> kSize = {5, 4, 6};

class VolumeSimilarityTest : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<VolumeSimilarity> Make() const {
    return GetParam() ? LocalCorrelation(moving_, fixed_, 1)
                      : SquaredDifferences(fixed_);
  }
  const SampledVolume moving_ = Noise(kSize, 1), fixed_ = Noise(kSize, 2);
};

INSTANTIATE_TEST_SUITE_P(Kinds, VolumeSimilarityTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "LocalCorrelation"
                                             : "SquaredDifferences";
                         });

TEST_P(VolumeSimilarityTest, GradientIsThatOfDifferences) {
  const auto similarity = Make();
  Eigen::VectorXd moving = ValuesOf(moving_);
  const auto derivatives = similarity->Differentiate(moving);
  const double h = 1e-6, count = static_cast<double>(moving.size());
  for (Eigen::Index n = 0; n < moving.size(); n += 7) {
    const double value = moving[n];
    moving[n] = value + h;
    const double ahead = similarity->Mismatch(moving);
    moving[n] = value - h;
    const double behind = similarity->Mismatch(moving);
    moving[n] = value;
    EXPECT_NEAR(derivatives.gradient[n], count * (ahead - behind) / (2 * h),
                1e-6);
    EXPECT_GT(derivatives.curvature[n], 0);
  }
}

// A window at a time, by its definition.
TEST(LocalCorrelation, IsTheUnexplainedShareOfEveryWindow) {
  const SampledVolume moving = Noise(kSize, 3), fixed = Noise(kSize, 4);
  const Eigen::VectorXd m = ValuesOf(moving), f = ValuesOf(fixed);
  const auto variance = [](const Eigen::VectorXd& v) {
    return (v.array() - v.mean()).square().mean();
  };
  double sum = 0;
  for (int k = 0; k < 6; ++k) {
    for (int j = 0; j < 4; ++j) {
      for (int i = 0; i < 5; ++i) {
        std::vector<double> a, b;
        for (int n = 0; n < 120; ++n) {
          const int x = n % 5, y = n / 5 % 4, z = n / 20;
          if (std::abs(x - i) > 1 || std::abs(y - j) > 1 ||
              std::abs(z - k) > 1) {
            continue;
          }
          a.push_back(m[n]);
          b.push_back(f[n]);
        }
        const Eigen::Map<Eigen::VectorXd> p(a.data(), a.size());
        const Eigen::Map<Eigen::VectorXd> q(b.data(), b.size());
        const double covariance =
            ((p.array() - p.mean()) * (q.array() - q.mean())).mean();
        sum += (variance(q) -
                covariance * covariance / (variance(p) + 1e-3 * variance(m))) /
               (variance(q) + 1e-3 * variance(f));
      }
    }
  }
  EXPECT_NEAR(LocalCorrelation(moving, fixed, 1)->Mismatch(m), sum / 120,
              1e-12);
}

TEST(LocalCorrelation, KnowsNoBrightnessNorContrast) {
  const SampledVolume fixed = Noise(kSize, 5);
  SampledVolume moving = fixed;
  for (float& value : moving.values) value = 3 - 2 * value;
  const auto similarity = LocalCorrelation(moving, fixed, 2);
  EXPECT_LT(similarity->Mismatch(ValuesOf(moving)), 5e-3);
  EXPECT_GT(similarity->Mismatch(ValuesOf(Noise(kSize, 6))), 0.5);
}

TEST(LocalCorrelation, IsFiniteForVolumesWithoutContrast) {
  SampledVolume flat = {kSize, std::vector<float>(120, 0.5f)};
  const auto similarity = LocalCorrelation(flat, flat, 2);
  EXPECT_EQ(similarity->Mismatch(ValuesOf(flat)), 0);
  EXPECT_TRUE(similarity->Differentiate(ValuesOf(flat)).gradient.allFinite());
}

}  // namespace
}  // namespace cpab
