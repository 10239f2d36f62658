// What the tests of the commands share: files of weights.
#ifndef TOOLS_WEIGHTS_TESTING_WEIGHTS_H_
#define TOOLS_WEIGHTS_TESTING_WEIGHTS_H_

#include <string>

#include "gtest/gtest.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/tensor_map.h"
#include "third_party/absl/status_matchers.h"

namespace tools::weights {

inline constexpr char kTiny[] = "networks/weights/testdata/tiny_legacy.pth";

// A path in the test's own temporary folder.
inline std::string TempPath(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

// The path of a new safetensors file of `tensors`.
inline std::string Written(const std::string& name,
                           const networks::weights::TensorMap& tensors) {
  const std::string path = TempPath(name);
  EXPECT_THAT(
      networks::weights::WriteSafetensors(path, tensors, {{"step", "3"}}),
      IsOk());
  return path;
}

}  // namespace tools::weights

#endif  // TOOLS_WEIGHTS_TESTING_WEIGHTS_H_
