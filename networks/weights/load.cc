#include "networks/weights/load.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace networks::weights {
namespace {

constexpr size_t kNamesInSummary = 3;

// "[8, 3] Float"
std::string Describe(const torch::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "] ",
                      toString(tensor.scalar_type()));
}

bool Fits(const torch::Tensor& given, const torch::Tensor& expected) {
  return given.sizes() == expected.sizes() &&
         c10::canCast(given.scalar_type(), expected.scalar_type());
}

bool MayBeMissing(const std::string& key, const LoadOptions& options) {
  return absl::EndsWith(key, "num_batches_tracked") ||
         absl::c_linear_search(options.optional, key);
}

// The given tensors by the module's keys.
absl::StatusOr<TensorMap> MapKeys(const TensorMap& tensors,
                                  const KeyMap& key_map) {
  if (!key_map) return tensors;
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    const std::string key = key_map(name);
    if (!key.empty() && !result.emplace(key, tensor).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor \"", name, "\": another one is also for \"", key, "\""));
    }
  }
  return result;
}

LoadReport Compare(const TensorMap& given, const TensorMap& expected) {
  LoadReport report;
  for (const auto& [key, tensor] : expected) {
    const auto found = given.find(key);
    if (found == given.end()) {
      report.missing.push_back(key);
    } else if (!Fits(found->second, tensor)) {
      report.mismatched.push_back(
          {key, Describe(found->second), Describe(tensor)});
    } else {
      report.loaded.push_back(key);
    }
  }
  for (const auto& [key, tensor] : given) {
    if (expected.count(key) == 0) report.unexpected.push_back(key);
  }
  return report;
}

bool IsAcceptable(const LoadReport& report, const LoadOptions& options) {
  if (!options.strict) return !report.loaded.empty();
  return report.mismatched.empty() && report.unexpected.empty() &&
         absl::c_all_of(report.missing, [&options](const std::string& key) {
           return MayBeMissing(key, options);
         });
}

// "; 7 missing: a, b, c, ..." or nothing.
std::string Listed(absl::string_view title,
                   const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const size_t shown = std::min(names.size(), kNamesInSummary);
  return absl::StrCat(names.size(), " ", title, ": ",
                      absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                      shown < names.size() ? ", ..." : "");
}

void Assign(const torch::Tensor& given, torch::Tensor target,
            bool share_memory) {
  const bool same_kind = given.scalar_type() == target.scalar_type() &&
                         given.device() == target.device();
  if (share_memory && same_kind) {
    target.set_data(given);
  } else if (target.is_inference()) {
    // New memory: such a tensor does not count its changes, and what was
    // prepared of the old values would not be made anew.
    target.set_(torch::empty_like(target).copy_(given));
  } else {
    target.copy_(given);
  }
}

// The module's own tensors, not detached, by key.
TensorMap OwnTensors(const torch::nn::Module& module) {
  TensorMap tensors;
  for (const auto& item : module.named_parameters()) {
    tensors[item.key()] = item.value();
  }
  for (const auto& item : module.named_buffers()) {
    tensors[item.key()] = item.value();
  }
  return tensors;
}

}  // namespace

std::string LoadReport::Summary() const {
  std::vector<std::string> parts;
  if (!mismatched.empty()) {
    const Mismatch& first = mismatched.front();
    parts.push_back(absl::StrCat("tensor \"", first.key, "\" is ", first.given,
                                 ", the model's is ", first.expected));
    if (mismatched.size() > 1) {
      parts.push_back(
          absl::StrCat(mismatched.size() - 1, " more of another shape"));
    }
  }
  for (std::string list :
       {Listed("missing", missing), Listed("unexpected", unexpected)}) {
    if (!list.empty()) parts.push_back(std::move(list));
  }
  return absl::StrJoin(parts, "; ");
}

absl::StatusOr<LoadReport> LoadInto(torch::nn::Module& module,
                                    const TensorMap& tensors,
                                    const LoadOptions& options,
                                    absl::string_view source) {
  absl::StatusOr<TensorMap> given = MapKeys(tensors, options.key_map);
  if (!given.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": ", given.status().message()));
  }
  const TensorMap expected = OwnTensors(module);
  LoadReport report = Compare(*given, expected);
  if (!IsAcceptable(report, options)) {
    const std::string name = options.name_of ? options.name_of(*given) : "";
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": does not fit the model: ", name,
                     name.empty() ? "" : "; ", report.Summary()));
  }
  torch::NoGradGuard no_grad;
  for (const std::string& key : report.loaded) {
    Assign(given->at(key), expected.at(key), options.share_memory);
  }
  return report;
}

TensorMap StateDict(const torch::nn::Module& module) {
  TensorMap tensors = OwnTensors(module);
  for (auto& [key, tensor] : tensors) tensor = tensor.detach();
  return tensors;
}

}  // namespace networks::weights
