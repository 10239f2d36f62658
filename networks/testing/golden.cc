#include "networks/testing/golden.h"

#include <torch/types.h>

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "networks/testing/tensor_near.h"
#include "third_party/absl/status_macros.h"

namespace networks::test_util {
namespace {

constexpr int kMeanAbs = 2;  // Place of mean |x| in the statistics.

// Mean, standard deviation, mean |x|, minimum, maximum.
torch::Tensor Statistics(const torch::Tensor& tensor) {
  const torch::Tensor x = tensor.detach().cpu().to(torch::kFloat64).flatten();
  return torch::stack(
      {x.mean(), x.std(/*unbiased=*/false), x.abs().mean(), x.min(), x.max()});
}

std::string Joined(torch::IntArrayRef shape) {
  return absl::StrJoin(shape, ",");
}

// Puts the output's name before a failure's text.
::testing::AssertionResult Named(const std::string& name,
                                 ::testing::AssertionResult result) {
  if (result) return result;
  return ::testing::AssertionFailure() << name << ": " << result.message();
}

}  // namespace

absl::StatusOr<Golden> Golden::Load(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, networks::weights::SafetensorsFile::Open(path));
  return Golden(std::move(file));
}

Golden LoadGolden(const std::string& path) {
  absl::StatusOr<Golden> golden = Golden::Load(path);
  TORCH_CHECK(golden.ok(), golden.status().ToString());
  return *std::move(golden);
}

torch::Tensor Golden::tensor(const std::string& name) const {
  absl::StatusOr<torch::Tensor> tensor = file_.tensor(name);
  TORCH_CHECK(tensor.ok(), tensor.status().ToString());
  return tensor->clone();  // A test may change it; the file's view is shared.
}

std::string Golden::metadata(const std::string& key) const {
  const auto found = file_.metadata().find(key);
  TORCH_CHECK(found != file_.metadata().end(), file_.path(),
              ": has no metadata \"", key, "\"");
  return found->second;
}

std::map<std::string, std::vector<int64_t>> Golden::published_shapes() const {
  const std::vector<std::string> keys =
      absl::StrSplit(metadata("state_dict_keys"), ' ');
  const std::vector<std::string> shapes =
      absl::StrSplit(metadata("state_dict_shapes"), ';');
  std::map<std::string, std::vector<int64_t>> result;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::vector<int64_t>& shape = result[keys[i]];  // stays empty for a scalar
    for (const absl::string_view size :
         absl::StrSplit(shapes.at(i), ',', absl::SkipEmpty())) {
      shape.push_back(std::stoll(std::string(size)));
    }
  }
  return result;
}

::testing::AssertionResult Golden::Matches(const std::string& name,
                                           const torch::Tensor& actual,
                                           double rel_tol) const {
  return Compare(name, actual, rel_tol, /*slack=*/0);
}

::testing::AssertionResult Golden::MatchesInFloat64(const std::string& name,
                                                    const torch::Tensor& actual,
                                                    double rel_tol) const {
  if (actual.scalar_type() != torch::kFloat64) {
    return ::testing::AssertionFailure()
           << name << ": is " << actual.scalar_type() << ", not float64";
  }
  return Compare(name, actual, rel_tol, Yardstick(name));
}

::testing::AssertionResult Golden::MatchesInFloat32(const std::string& name,
                                                    const torch::Tensor& actual,
                                                    double rel_tol) const {
  constexpr double kYardsticks = 5;
  return Compare(name, actual, rel_tol, kYardsticks * Yardstick(name));
}

double Golden::Yardstick(const std::string& name) const {
  double difference = 0;
  TORCH_CHECK(
      absl::SimpleAtod(metadata(name + ".f32_vs_f64_maxabs"), &difference),
      name);
  return difference;
}

::testing::AssertionResult Golden::Compare(const std::string& name,
                                           const torch::Tensor& actual,
                                           double rel_tol, double slack) const {
  const std::string stats_name = name + ".stats";
  if (!has(stats_name)) {
    const torch::Tensor expected =
        tensor(has(name) ? name : name + ".slice").to(torch::kFloat64);
    const double mean_abs = expected.abs().mean().item<double>();
    return ElementsMatch(name, actual, rel_tol * mean_abs + slack, rel_tol);
  }
  const torch::Tensor stats = tensor(stats_name);
  const double absolute = rel_tol * stats[kMeanAbs].item<double>() + slack;
  ::testing::AssertionResult elements =
      ElementsMatch(name, actual, absolute, rel_tol);
  if (!elements) return elements;
  // If every element is within e_i = rel_tol (|x_i| + m) + slack, then the
  // mean, mean |x|, minimum and maximum are within rel_tol (|statistic| + 2 m)
  // + slack, and the deviation within rms(e) <= rel_tol (rms(x) + m) + slack
  // <= rel_tol (std + 2 m) + slack.
  return Named(stats_name,
               AllNear(Statistics(actual), stats, 2 * absolute, rel_tol));
}

::testing::AssertionResult Golden::ElementsMatch(const std::string& name,
                                                 const torch::Tensor& actual,
                                                 double absolute,
                                                 double rel_tol) const {
  if (has(name)) {
    return Named(name, AllNear(actual, tensor(name), absolute, rel_tol));
  }
  const std::string shape = metadata(name + ".shape");
  if (Joined(actual.sizes()) != shape) {
    return ::testing::AssertionFailure()
           << name << ": the shape is " << actual.sizes() << ", expected ["
           << shape << "]";
  }
  int64_t stride = 0;
  TORCH_CHECK(absl::SimpleAtoi(metadata(name + ".stride"), &stride));
  const torch::Tensor slice = actual.detach().flatten().slice(
      /*dim=*/0, /*start=*/0, /*end=*/c10::nullopt, /*step=*/stride);
  return Named(name + ".slice",
               AllNear(slice, tensor(name + ".slice"), absolute, rel_tol));
}

}  // namespace networks::test_util
