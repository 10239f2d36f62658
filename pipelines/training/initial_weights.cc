// Tested by widen_test.cc and pipelines/checkpoint/checkpoint_test.cc.
#include "pipelines/training/initial_weights.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/training/widen.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::LoadReport;
using networks::weights::TensorMap;

absl::Status VerifyIfItCan(const std::string& path) {
  const auto file = networks::weights::SafetensorsFile::Open(path);
  if (!file.ok() || !file->has_checksum()) return absl::OkStatus();
  return file->VerifyChecksum();
}

// Counts of batches and fixed kernels fit models of any width.
bool HasParameters(const std::vector<std::string>& loaded,
                   const AnimationModel& model) {
  const auto parameters = model.named_parameters();
  return std::any_of(loaded.begin(), loaded.end(),
                     [&parameters](const std::string& key) {
                       return parameters.contains(key);
                     });
}

void AppendNames(absl::string_view title, const std::vector<std::string>& names,
                 std::string* text) {
  absl::StrAppend(text, title, ": ", names.size(), "\n");
  for (const std::string& name : names) absl::StrAppend(text, "  ", name, "\n");
}

}  // namespace

absl::StatusOr<InitialWeightsReport> LoadInitialWeights(const std::string& path,
                                                        AnimationModel* model) {
  RETURN_IF_ERROR(VerifyIfItCan(path));
  ASSIGN_OR_RETURN(const networks::weights::Weights file,
                   networks::weights::ReadWeights(path));
  networks::weights::LoadOptions options;
  options.strict = false;
  // The original keeps its optimizer beside the networks; no weights of ours.
  options.key_map = [](const std::string& name) {
    return absl::StartsWith(name, "optimizer") ? std::string() : name;
  };
  TensorMap weights = WeightsToUse(file.tensors);
  std::vector<std::string> widened =
      WidenForGlobalTransform(networks::weights::StateDict(*model), &weights);
  ASSIGN_OR_RETURN(LoadReport report,
                   networks::weights::LoadInto(*model, weights, options, path));
  RETURN_IF_ERROR(file.Check());
  if (!HasParameters(report.loaded, *model)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        ": holds no weights for this model, which would begin at random: ",
        report.Summary()));
  }
  return InitialWeightsReport{std::move(report), std::move(widened)};
}

std::string ReportText(const std::string& path,
                       const InitialWeightsReport& report) {
  std::string text = absl::StrCat("initial weights from ", path, "\n");
  std::vector<std::string> mismatched;
  for (const networks::weights::Mismatch& m : report.mismatched) {
    mismatched.push_back(
        absl::StrCat(m.key, ": ", m.given, ", the model's is ", m.expected));
  }
  AppendNames("not in the file, left random", report.missing, &text);
  AppendNames("of another shape, left random", mismatched, &text);
  AppendNames("not of this model, left out", report.unexpected, &text);
  if (!report.widened.empty()) {
    AppendNames("widened for the global transform", report.widened, &text);
  }
  AppendNames("loaded", report.loaded, &text);
  return text;
}

}  // namespace pipelines
