#include "pipelines/config/motion_choice.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/resolve.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

std::vector<std::string> MotionNames() {
  const auto* members = MotionConfig::descriptor()->FindOneofByName("model");
  std::vector<std::string> names;
  for (int i = 0; i < members->field_count(); ++i) {
    names.emplace_back(members->field(i)->name());
  }
  return names;
}

std::string MotionFlagHelp() {
  return absl::StrCat(
      absl::StrJoin(MotionNames(), ", "),
      ", with options as in \"cpab { cells_x: 6 cells_y: 6 }\". "
      "Empty: what the checkpoint was trained with.");
}

std::string MotionName(const MotionConfig& motion) {
  const auto* members = MotionConfig::descriptor()->FindOneofByName("model");
  const auto* member =
      motion.GetReflection()->GetOneofFieldDescriptor(motion, members);
  return member == nullptr ? "cpab" : std::string(member->name());
}

bool IsFittedByKernels(const ModelConfig& model) {
  const auto is_fitted = [](const MotionConfig& motion) {
    return MotionName(motion) == "cpab" &&
           motion.cpab().solver() != CpabConfig::ADAM;
  };
  return is_fitted(model.local()) &&
         (!model.global_transform() || is_fitted(model.global()));
}

absl::StatusOr<MotionConfig> ParseMotion(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const size_t brace = text.find('{');
  const std::string name(
      absl::StripAsciiWhitespace(text.substr(0, std::min(brace, text.size()))));
  const std::vector<std::string> names = MotionNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' is no motion model; use ", absl::StrJoin(names, ", "),
        ", with options as in \"cpab { cells_x: 6 cells_y: 6 }\""));
  }
  MotionConfig motion;
  RETURN_IF_ERROR(ParseTextFormat(
      "motion",
      brace == absl::string_view::npos ? absl::StrCat(name, " {}") : text,
      &motion));
  RETURN_IF_ERROR(CheckRanges(motion));
  if (motion.cpab().has_gradient()) {
    return absl::InvalidArgumentError(
        "motion: cpab.gradient has no effect, as no model is trained here; "
        "leave it out");
  }
  return motion;
}

void SetMotion(const MotionConfig& motion, ModelConfig* model) {
  const bool by_place = motion.has_cpab() && motion.cpab().ByteSizeLong() == 0;
  *model->mutable_local() = motion;
  if (by_place) {
    model->clear_global();
  } else {
    *model->mutable_global() = motion;
  }
  model->set_gradient(ModelConfig::DETACHED);
  FillDefaults(model);
}

}  // namespace pipelines
