#include "pipelines/animation/motion_scales.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::StatusOr<double> ParseScale(absl::string_view word) {
  double scale = 0;
  if (absl::SimpleAtod(word, &scale) && scale >= 0 &&
      scale <= kLargestMotionScale) {
    return scale;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", word, "' is no number from 0 to ", kLargestMotionScale,
      "; use one (0.7), one for each keypoint set (1,0.5,0), or some sets by "
      "number or name (3=0,head=0.5)"));
}

// The sets, from 1, that `key` means.
absl::StatusOr<std::vector<int>> SetsOf(const std::string& key, int num_sets,
                                        const SetNames& names) {
  if (const auto named = names.sets.find(key); named != names.sets.end()) {
    return named->second;
  }
  int number = 0;
  if (absl::SimpleAtoi(key, &number)) {
    if (number >= 1 && number <= num_sets) return std::vector<int>{number};
    return absl::InvalidArgumentError(
        absl::StrCat("motion scale of keypoint set ", number,
                     "; the model has keypoint sets 1 to ", num_sets));
  }
  if (names.sets.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "motion scale of '", key,
        "', but the keypoint sets have no names; use their numbers, 1 to ",
        num_sets,
        names.path.empty() ? ""
                           : absl::StrCat(", or name them in ", names.path)));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "motion scale of '", key, "'; ", names.path, " has the names ",
      absl::StrJoin(names.sets, ", ", [](std::string* out, const auto& set) {
        absl::StrAppend(out, "'", set.first, "'");
      })));
}

}  // namespace

absl::StatusOr<MotionScales> ParseMotionScales(const std::string& text) {
  MotionScales scales;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN(const double scale, ParseScale(parts.back()));
    if (parts.size() == 1) {
      scales.in_order.push_back(scale);
    } else {
      const std::string key(absl::StripAsciiWhitespace(parts[0]));
      if (key.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "'", word,
            "' has no keypoint set before its =; use 3=0 or head=0"));
      }
      scales.by_set.emplace_back(key, scale);
    }
  }
  if (scales.in_order.empty() || scales.by_set.empty()) return scales;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' has scales with and without a keypoint set; "
                   "give each a set (3=0,5=0.5), or none"));
}

absl::StatusOr<std::vector<double>> ResolveMotionScales(
    const MotionScales& scales, int num_sets, const SetNames& names) {
  const auto count = static_cast<int>(scales.in_order.size());
  if (count > 1 && count != num_sets) {
    return absl::InvalidArgumentError(
        absl::StrCat("motion scale has ", count, " values; give 1, or one for ",
                     "each of this model's ", num_sets, " keypoint sets"));
  }
  if (scales.by_set.empty()) return scales.in_order;
  std::vector<std::optional<double>> of_sets(static_cast<size_t>(num_sets));
  for (const auto& [key, scale] : scales.by_set) {
    ASSIGN_OR_RETURN(const std::vector<int> sets, SetsOf(key, num_sets, names));
    for (const int set : sets) {
      std::optional<double>& of_set = of_sets[static_cast<size_t>(set) - 1];
      if (of_set) {
        return absl::InvalidArgumentError(
            absl::StrCat("motion scale of '", key, "': keypoint set ", set,
                         " has one already; give each set one scale"));
      }
      of_set = scale;
    }
  }
  std::vector<double> all;
  for (const std::optional<double>& scale : of_sets) {
    all.push_back(scale.value_or(1));
  }
  return all;
}

}  // namespace pipelines
