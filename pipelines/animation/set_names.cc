#include "pipelines/animation/set_names.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pipelines/animation/keypoint_set_names.pb.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr char kEnding[] = ".sets.textproto";

bool IsName(const std::string& name) {
  double number = 0;
  return !name.empty() && name.find_first_of("=,") == std::string::npos &&
         !absl::SimpleAtod(name, &number);
}

}  // namespace

std::string SetNames::Of(int set) const {
  std::string text;
  for (const auto& [name, numbers] : sets) {
    for (const int number : numbers) {
      if (number != set) continue;
      absl::StrAppend(&text, text.empty() ? "" : ", ", name);
    }
  }
  return text;
}

absl::StatusOr<SetNames> ReadSetNames(const std::string& checkpoint,
                                      int num_sets) {
  SetNames names;
  names.path = checkpoint + kEnding;
  std::error_code error;
  if (!std::filesystem::exists(names.path, error)) return names;
  KeypointSetNames file;
  RETURN_IF_ERROR(ReadTextFormat(names.path, &file));
  for (int i = 0; i < file.set_size(); ++i) {
    const KeypointSetNames::Named& named = file.set(i);
    const auto bad = [&](const auto&... what) {
      return absl::InvalidArgumentError(
          absl::StrCat(names.path, ": set ", i + 1, " in the file: ", what...));
    };
    if (!IsName(named.name())) {
      return bad(
          "name is '", named.name(),
          "'; use one that is not empty, no number, and without = and ,");
    }
    if (named.number().empty()) {
      return bad("number is missing; '", named.name(),
                 "' needs a keypoint set from 1 to ", num_sets);
    }
    for (const int number : named.number()) {
      if (number >= 1 && number <= num_sets) continue;
      return bad("number is ", number, "; the model has keypoint sets 1 to ",
                 num_sets);
    }
    const std::vector<int> numbers(named.number().begin(),
                                   named.number().end());
    if (!names.sets.emplace(named.name(), numbers).second) {
      return bad("name is '", named.name(), "', as of a set before it");
    }
  }
  return names;
}

}  // namespace pipelines
