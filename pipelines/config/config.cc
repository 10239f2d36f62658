#include "pipelines/config/config.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "pipelines/config/former_fields.h"
#include "pipelines/config/override.h"
#include "pipelines/config/resolve.h"
#include "pipelines/config/text_format.h"
#include "pipelines/config/validate.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// The config of a text with overrides, completed but not checked.
absl::StatusOr<Config> Complete(Config config,
                                const std::vector<std::string>& overrides) {
  for (const std::string& assignment : overrides) {
    RETURN_IF_ERROR(ApplyOverride(assignment, &config));
  }
  MoveFormerFields(config.mutable_model());
  FillDefaults(&config);
  return config;
}

absl::Status CheckWith(const Config& of_file,
                       const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(const Config config, Complete(of_file, overrides));
  return ValidateConfig(config);
}

// What is to blame for `error`, which the file with all overrides has: the
// file, if it has it alone; else the override without which it is gone, or all
// of them.
std::string Blame(absl::string_view file, const Config& of_file,
                  const std::vector<std::string>& overrides,
                  const absl::Status& error) {
  if (CheckWith(of_file, {}) == error) return std::string(file);
  for (size_t i = 0; i < overrides.size(); ++i) {
    std::vector<std::string> others = overrides;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    if (CheckWith(of_file, others) != error) {
      return absl::StrCat("override ", overrides[i]);
    }
  }
  return absl::StrCat("overrides ", absl::StrJoin(overrides, ", "));
}

absl::StatusOr<Config> EffectiveConfig(
    absl::string_view name, Config of_file,
    const std::vector<std::string>& overrides) {
  MoveFormerFields(of_file.mutable_model());
  ASSIGN_OR_RETURN(const Config config, Complete(of_file, overrides));
  if (const absl::Status status = ValidateConfig(config); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        Blame(name, of_file, overrides, status), ": ", status.message()));
  }
  return config;
}

}  // namespace

absl::StatusOr<Config> ParseConfig(absl::string_view name,
                                   absl::string_view text,
                                   const std::vector<std::string>& overrides) {
  Config of_file;
  RETURN_IF_ERROR(ParseTextFormat(name, text, &of_file));
  return EffectiveConfig(name, std::move(of_file), overrides);
}

absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<std::string>& overrides) {
  Config of_file;
  RETURN_IF_ERROR(ReadTextFormat(path, &of_file));
  return EffectiveConfig(path, std::move(of_file), overrides);
}

namespace {

std::string TextOf(const Config& config) {
  google::protobuf::TextFormat::Printer printer;
  // As the schema orders them.
  printer.SetPrintMessageFieldsInIndexOrder(true);
  std::string text;
  printer.PrintToString(config, &text);
  return absl::StrCat(
      "# proto-file: pipelines/config/config.proto\n"
      "# proto-message: pipelines.Config\n",
      text);
}

}  // namespace

std::string ConfigText(const Config& config) {
  Config differing = config;
  ClearDefaults(&differing);
  return TextOf(differing);
}

std::string ResolvedText(const Config& config) {
  Config resolved = config;
  ResolveDefaults(&resolved);
  return TextOf(resolved);
}

std::vector<std::string> ConfigDifferences(const Config& a, const Config& b) {
  // A field that is unset equals one that is set to its default. A comparison
  // that does so by itself takes an affine map and a CPAB transform for equal.
  Config resolved_a = a;
  Config resolved_b = b;
  for (Config* config : {&resolved_a, &resolved_b}) {
    ResolveDefaults(config);
    // What has no effect makes no difference.
    ModelConfig* model = config->mutable_model();
    if (!model->global_transform()) model->clear_global();
  }
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(resolved_a, resolved_b);
  return absl::StrSplit(report, '\n', absl::SkipEmpty());
}

}  // namespace pipelines
