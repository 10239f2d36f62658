// Comparison of a module's names with a stored list of the original's.
#ifndef NETWORKS_KEY_LIST_TEST_UTIL_H_
#define NETWORKS_KEY_LIST_TEST_UTIL_H_

#include <torch/nn/module.h>

#include <set>
#include <string>

namespace networks::test_util {

// One string "key 64x3x7x7" ("key scalar" without dimensions) for each
// parameter and buffer.
std::set<std::string> KeysAndShapes(const torch::nn::Module& module);

// The lines of a text file of such strings. TORCH_CHECK fails if there is none.
std::set<std::string> ReadKeyList(const std::string& path);

}  // namespace networks::test_util

#endif  // NETWORKS_KEY_LIST_TEST_UTIL_H_
