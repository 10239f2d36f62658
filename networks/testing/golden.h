// Golden data: outputs of the original implementation, to compare with ours.
//
// A golden file is a safetensors file. Of an output X it holds
//   X        the whole tensor, if it is small; otherwise
//   X.slice  every k-th element, row-major, with k in metadata "X.stride" and
//            the true shape in "X.shape" ("2,3,64,64");
//   X.stats  of the whole tensor: mean, population standard deviation,
//            mean |x|, minimum, maximum (float64); may be left out.
#ifndef NETWORKS_TESTING_GOLDEN_H_
#define NETWORKS_TESTING_GOLDEN_H_

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "networks/weights/safetensors.h"

namespace networks::test_util {

class Golden {
 public:
  // path: relative to the workspace's root, as tests see their data.
  static absl::StatusOr<Golden> Load(const std::string& path);

  bool has(const std::string& name) const { return file_.Contains(name); }

  // TORCH_CHECK fails, naming the file, if there is no such tensor or metadata.
  torch::Tensor tensor(const std::string& name) const;
  std::string metadata(const std::string& key) const;

  // The shapes of the tensors of the original's state dict, by name, where
  // metadata "state_dict_keys" and "state_dict_shapes" have them.
  std::map<std::string, std::vector<int64_t>> published_shapes() const;

  // Whether `actual` is the output `name`. With m = mean |X| of the golden
  // tensor, every stored element x must be met within
  //
  //   rel_tol * (|x| + m),
  //
  // that is relatively, but for elements much smaller than the tensor's
  // typical one, whose rounding errors are as large as the others'. The stored
  // statistics must be met within what follows for them from that bound. The
  // shape must be equal.
  ::testing::AssertionResult Matches(const std::string& name,
                                     const torch::Tensor& actual,
                                     double rel_tol) const;

  // The same for an `actual` computed in float64. What is stored was computed
  // in float32; by how much that differs from the original's own float64 run,
  // at most, is metadata "X.f32_vs_f64_maxabs", and is added to the bound of
  // every element. Where a ReLU opens or closes by rounding it is far above
  // rounding.
  ::testing::AssertionResult MatchesInFloat64(const std::string& name,
                                              const torch::Tensor& actual,
                                              double rel_tol) const;

  // The same for an `actual` computed in float32 by other kernels or in another
  // order: two correct float32 programs differ by about what metadata
  // "X.f32_vs_f64_maxabs" says. Five times that is added to the bound.
  ::testing::AssertionResult MatchesInFloat32(const std::string& name,
                                              const torch::Tensor& actual,
                                              double rel_tol) const;

 private:
  explicit Golden(networks::weights::SafetensorsFile file)
      : file_(std::move(file)) {}

  // "X.f32_vs_f64_maxabs".
  double Yardstick(const std::string& name) const;
  // All of the above; `slack` is added to the bound of every element.
  ::testing::AssertionResult Compare(const std::string& name,
                                     const torch::Tensor& actual,
                                     double rel_tol, double slack) const;
  ::testing::AssertionResult ElementsMatch(const std::string& name,
                                           const torch::Tensor& actual,
                                           double absolute,
                                           double rel_tol) const;

  networks::weights::SafetensorsFile file_;
};

// The file at `path`, as Golden::Load. TORCH_CHECK fails if it cannot be read.
Golden LoadGolden(const std::string& path);

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_GOLDEN_H_
