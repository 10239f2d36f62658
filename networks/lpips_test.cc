#include "networks/lpips.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/published/weight_files.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/load.h"
#include "third_party/absl/status_matchers.h"

namespace networks {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;

// Weights that are a function of their names, of the size that keeps
// activations near 1; the head's are positive, as the published ones.
Lpips FilledLpips(LpipsBackbone backbone) {
  Lpips lpips(backbone);
  const torch::NoGradGuard no_grad;
  for (auto& item : lpips->named_parameters()) {
    torch::Tensor& value = item.value();
    if (item.key().rfind("head.", 0) == 0) {
      value.copy_(FillUniform(item.key(), value.sizes()));
    } else if (value.dim() == 4) {
      value.copy_(FillSigned(item.key(), value.sizes()) *
                  std::sqrt(6.0 / value[0].numel()));
    } else {
      value.copy_(0.1 * FillSigned(item.key(), value.sizes()));
    }
  }
  return lpips;
}

// --- The same by plain loops in float64.

struct Map {
  int channels, height, width;
  std::vector<double> values;
  double& at(int c, int y, int x) {
    return values[(size_t{1} * c * height + y) * width + x];
  }
  double at(int c, int y, int x) const {
    return values[(size_t{1} * c * height + y) * width + x];
  }
};

Map MapOf(const torch::Tensor& chw) {
  const torch::Tensor values = chw.to(torch::kFloat64).contiguous();
  const double* begin = values.data_ptr<double>();
  return {static_cast<int>(values.size(0)), static_cast<int>(values.size(1)),
          static_cast<int>(values.size(2)),
          std::vector<double>(begin, begin + values.numel())};
}

Map NaiveConvRelu(const Map& in, const torch::Tensor& weight,
                  const torch::Tensor& bias, int stride, int padding) {
  const torch::Tensor w = weight.to(torch::kFloat64).contiguous();
  const double* weights = w.data_ptr<double>();
  const torch::Tensor b = bias.to(torch::kFloat64).contiguous();
  const int kernel = static_cast<int>(w.size(2));
  Map out{static_cast<int>(w.size(0)),
          (in.height + 2 * padding - kernel) / stride + 1,
          (in.width + 2 * padding - kernel) / stride + 1,
          {}};
  out.values.resize(size_t{1} * out.channels * out.height * out.width);
  for (int o = 0; o < out.channels; ++o) {
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        double sum = b.data_ptr<double>()[o];
        for (int c = 0; c < in.channels; ++c) {
          for (int dy = 0; dy < kernel; ++dy) {
            const int from_y = y * stride + dy - padding;
            if (from_y < 0 || from_y >= in.height) continue;
            const double* row =
                weights +
                ((size_t{1} * o * in.channels + c) * kernel + dy) * kernel;
            for (int dx = 0; dx < kernel; ++dx) {
              const int from_x = x * stride + dx - padding;
              if (from_x < 0 || from_x >= in.width) continue;
              sum += row[dx] * in.at(c, from_y, from_x);
            }
          }
        }
        out.at(o, y, x) = std::max(sum, 0.0);
      }
    }
  }
  return out;
}

Map NaiveMaxPool(const Map& in, int kernel) {
  Map out{in.channels,
          (in.height - kernel) / 2 + 1,
          (in.width - kernel) / 2 + 1,
          {}};
  out.values.resize(size_t{1} * out.channels * out.height * out.width);
  for (int c = 0; c < out.channels; ++c) {
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        double most = -INFINITY;
        for (int dy = 0; dy < kernel; ++dy) {
          for (int dx = 0; dx < kernel; ++dx) {
            most = std::max(most, in.at(c, 2 * y + dy, 2 * x + dx));
          }
        }
        out.at(c, y, x) = most;
      }
    }
  }
  return out;
}

double NaiveLayerDistance(const Map& a, const Map& b,
                          const torch::Tensor& weight) {
  double total = 0;
  for (int y = 0; y < a.height; ++y) {
    for (int x = 0; x < a.width; ++x) {
      double norm_a = 0, norm_b = 0;
      for (int c = 0; c < a.channels; ++c) {
        norm_a += a.at(c, y, x) * a.at(c, y, x);
        norm_b += b.at(c, y, x) * b.at(c, y, x);
      }
      for (int c = 0; c < a.channels; ++c) {
        const double difference = a.at(c, y, x) / (std::sqrt(norm_a) + 1e-10) -
                                  b.at(c, y, x) / (std::sqrt(norm_b) + 1e-10);
        total += weight[0][c][0][0].item<double>() * difference * difference;
      }
    }
  }
  return total / (a.height * a.width);
}

struct Step {
  int index;  // of torchvision's `features`; -1 for a pooling
  int kernel, stride, padding;
  bool compared;
};

std::vector<Step> Steps(LpipsBackbone backbone) {
  constexpr int kPool = -1;
  if (backbone == LpipsBackbone::kAlexNet) {
    return {{0, 11, 4, 2, true}, {kPool, 3, 2, 0, false},
            {3, 5, 1, 2, true},  {kPool, 3, 2, 0, false},
            {6, 3, 1, 1, true},  {8, 3, 1, 1, true},
            {10, 3, 1, 1, true}};
  }
  return {
      {0, 3, 1, 1, false},     {2, 3, 1, 1, true},      {kPool, 2, 2, 0, false},
      {5, 3, 1, 1, false},     {7, 3, 1, 1, true},      {kPool, 2, 2, 0, false},
      {10, 3, 1, 1, false},    {12, 3, 1, 1, false},    {14, 3, 1, 1, true},
      {kPool, 2, 2, 0, false}, {17, 3, 1, 1, false},    {19, 3, 1, 1, false},
      {21, 3, 1, 1, true},     {kPool, 2, 2, 0, false}, {24, 3, 1, 1, false},
      {26, 3, 1, 1, false},    {28, 3, 1, 1, true}};
}

Map NaiveInput(const torch::Tensor& picture) {
  Map map = MapOf(picture);
  const double shift[] = {-0.030, -0.088, -0.188};
  const double scale[] = {0.458, 0.448, 0.450};
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < map.height; ++y) {
      for (int x = 0; x < map.width; ++x) {
        map.at(c, y, x) = (2 * map.at(c, y, x) - 1 - shift[c]) / scale[c];
      }
    }
  }
  return map;
}

double NaiveLpips(Lpips& lpips, LpipsBackbone backbone, const torch::Tensor& a,
                  const torch::Tensor& b) {
  const auto parameters = lpips->named_parameters();
  Map x = NaiveInput(a), y = NaiveInput(b);
  double distance = 0;
  int layer = 0;
  for (const Step& step : Steps(backbone)) {
    if (step.index < 0) {
      x = NaiveMaxPool(x, step.kernel);
      y = NaiveMaxPool(y, step.kernel);
      continue;
    }
    const std::string name = "features." + std::to_string(step.index);
    const torch::Tensor weight = parameters[name + ".weight"];
    EXPECT_EQ(weight.size(2), step.kernel) << name;
    x = NaiveConvRelu(x, weight, parameters[name + ".bias"], step.stride,
                      step.padding);
    y = NaiveConvRelu(y, weight, parameters[name + ".bias"], step.stride,
                      step.padding);
    if (!step.compared) continue;
    distance += NaiveLayerDistance(
        x, y,
        parameters["head.lin" + std::to_string(layer++) + ".model.1.weight"]);
  }
  EXPECT_EQ(layer, 5);
  return distance;
}

class LpipsTest : public testing::TestWithParam<LpipsBackbone> {
 protected:
  void SetUp() override { torch::set_num_threads(1); }

  static int Side() { return GetParam() == LpipsBackbone::kAlexNet ? 35 : 18; }
  // [batch, 3, H, W] in [0, 1), H != W.
  static torch::Tensor Pictures(const char* name, int batch) {
    return FillUniform(name, {batch, 3, Side(), Side() + 1});
  }
};

TEST_P(LpipsTest, IsZeroForEqualPictures) {
  Lpips lpips = FilledLpips(GetParam());
  const torch::Tensor a = Pictures("a", 2);
  EXPECT_TRUE(torch::equal(lpips(a, a.clone()), torch::zeros({2})));
}

TEST_P(LpipsTest, IsSymmetricAndPositive) {
  Lpips lpips = FilledLpips(GetParam());
  const torch::Tensor a = Pictures("a", 2), b = Pictures("b", 2);
  EXPECT_TRUE(torch::equal(lpips(a, b), lpips(b, a)));
  EXPECT_GT(lpips(a, b).min().item<double>(), 0.01);
}

TEST_P(LpipsTest, EqualsPlainLoops) {
  Lpips lpips = FilledLpips(GetParam());
  const torch::Tensor a = Pictures("a", 1), b = Pictures("b", 1);
  const double expected = NaiveLpips(lpips, GetParam(), a[0], b[0]);
  // float32 activations of size 1 through at most 13 convolutions, each of some
  // 1e-6 relative; differences of unit vectors are of size 1.
  EXPECT_NEAR(lpips(a, b).item<double>(), expected, 2e-5 * expected);
}

TEST_P(LpipsTest, OfABatchIsThatOfEach) {
  Lpips lpips = FilledLpips(GetParam());
  const torch::Tensor a = Pictures("a", 3), b = Pictures("b", 3);
  const torch::Tensor together = lpips(a, b);
  for (int i = 0; i < 3; ++i) {
    // Convolutions of another batch size may sum in another order.
    EXPECT_THAT(lpips(a.slice(0, i, i + 1), b.slice(0, i, i + 1))[0],
                TensorNear(together[i], 1e-5));
  }
  EXPECT_THAT(lpips(a.slice(0, 1, 2), b)[1], TensorNear(together[1], 1e-5));
}

TEST_P(LpipsTest, NeedsNoGradient) {
  Lpips lpips = FilledLpips(GetParam());
  for (const torch::Tensor& parameter : lpips->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
  EXPECT_FALSE(lpips(Pictures("a", 1), Pictures("b", 1)).requires_grad());
}

// The names in torchvision's and in the authors' files.
TEST_P(LpipsTest, HasThePublishedKeys) {
  Lpips lpips(GetParam());
  const auto backbone = weights::StateDict(lpips->backbone());
  const auto head = weights::StateDict(lpips->head());
  EXPECT_EQ(head.size(), 5u);
  if (GetParam() == LpipsBackbone::kAlexNet) {
    EXPECT_EQ(backbone.size(), 2u * 5);
    EXPECT_EQ(backbone.at("3.weight").sizes(),
              torch::IntArrayRef({192, 64, 5, 5}));
    EXPECT_EQ(head.at("lin2.model.1.weight").sizes(),
              torch::IntArrayRef({1, 384, 1, 1}));
  } else {
    EXPECT_EQ(backbone.size(), 2u * 13);
    EXPECT_EQ(backbone.at("28.weight").sizes(),
              torch::IntArrayRef({512, 512, 3, 3}));
    EXPECT_EQ(head.at("lin0.model.1.weight").sizes(),
              torch::IntArrayRef({1, 64, 1, 1}));
  }
}

TEST_P(LpipsTest, ItsFilesCanBeFetched) {
  const LpipsFiles files = PublishedLpips(GetParam());
  EXPECT_THAT(published::WeightFileByName(files.backbone), IsOk());
  EXPECT_THAT(published::WeightFileByName(files.head), IsOk());
}

// A loaded head is the one that is used.
TEST_P(LpipsTest, IsLinearInTheHead) {
  Lpips lpips = FilledLpips(GetParam());
  const torch::Tensor a = Pictures("a", 1), b = Pictures("b", 1);
  const torch::Tensor before = lpips(a, b);
  weights::TensorMap doubled;
  for (const auto& [name, weight] : weights::StateDict(lpips->head())) {
    doubled[name] = 2 * weight;
  }
  ASSERT_THAT(weights::LoadInto(lpips->head(), doubled, {}, "doubled"), IsOk());
  EXPECT_TRUE(torch::equal(lpips(a, b), 2 * before));
}

INSTANTIATE_TEST_SUITE_P(Backbones, LpipsTest,
                         testing::Values(LpipsBackbone::kAlexNet,
                                         LpipsBackbone::kVgg16),
                         [](const auto& info) {
                           return info.param == LpipsBackbone::kAlexNet
                                      ? "AlexNet"
                                      : "Vgg16";
                         });

}  // namespace
}  // namespace networks
