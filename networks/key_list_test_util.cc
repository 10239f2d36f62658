#include "networks/key_list_test_util.h"

#include <torch/nn/module.h>
#include <torch/types.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace networks::test_util {
namespace {

std::string KeyAndShape(const std::string& key, const torch::Tensor& tensor) {
  if (tensor.dim() == 0) return absl::StrCat(key, " scalar");
  return absl::StrCat(key, " ", absl::StrJoin(tensor.sizes(), "x"));
}

}  // namespace

std::set<std::string> KeysAndShapes(const torch::nn::Module& module) {
  std::set<std::string> keys;
  for (const auto& item : module.named_parameters()) {
    keys.insert(KeyAndShape(item.key(), item.value()));
  }
  for (const auto& item : module.named_buffers()) {
    keys.insert(KeyAndShape(item.key(), item.value()));
  }
  return keys;
}

std::set<std::string> ReadKeyList(const std::string& path) {
  std::ifstream file(path);
  std::set<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.insert(line);
  TORCH_CHECK(!lines.empty(), path, ": cannot be read or is empty");
  return lines;
}

}  // namespace networks::test_util
