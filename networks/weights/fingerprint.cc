#include "networks/weights/fingerprint.h"

#include <torch/types.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/weights/sha256.h"

namespace networks::weights {
namespace {

void Add(const std::string& name, const torch::Tensor& tensor, Sha256* sha) {
  if (!tensor.defined() || absl::EndsWith(name, "num_batches_tracked")) return;
  const torch::Tensor values =
      tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  sha->Add(absl::StrCat(name, " [", absl::StrJoin(values.sizes(), ","), "]\n"));
  sha->Add({reinterpret_cast<const char*>(values.data_ptr<float>()),
            static_cast<size_t>(values.numel()) * sizeof(float)});
}

}  // namespace

std::string Fingerprint(const torch::nn::Module& module) {
  Sha256 sha;
  for (const auto& item : module.named_parameters()) {
    Add(item.key(), item.value(), &sha);
  }
  for (const auto& item : module.named_buffers()) {
    Add(item.key(), item.value(), &sha);
  }
  return absl::BytesToHexString(sha.Finish());
}

}  // namespace networks::weights
