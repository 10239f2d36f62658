#include "tools/lint/sorted_lists.h"

#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tools::lint {
namespace {

constexpr const char* kSortedAttributes[] = {
    "data",         "default_visibility",
    "deps",         "exports",
    "hdrs",         "srcs",
    "tests",        "tools",
    "textual_hdrs", "visibility"};

using SortKey = std::tuple<int, std::vector<std::string>>;

SortKey KeyOf(const std::string& value) {
  const int phase = absl::StartsWith(value, ":")    ? 1
                    : absl::StartsWith(value, "//") ? 2
                    : absl::StartsWith(value, "@")  ? 3
                                                    : 0;
  return {phase, absl::StrSplit(value, absl::ByAnyChar(".:"))};
}

void CheckList(const std::string& path, const BuildList& list,
               std::vector<Finding>* findings) {
  for (size_t i = 1; i < list.size(); ++i) {
    if (list[i].starts_block) continue;
    const SortKey before = KeyOf(list[i - 1].value);
    const SortKey here = KeyOf(list[i].value);
    if (before < here) continue;
    findings->push_back(
        {path, list[i].line,
         before == here
             ? absl::StrCat("\"", list[i].value, "\" stands twice")
             : absl::StrCat("\"", list[i].value, "\" belongs before \"",
                            list[i - 1].value, "\"")});
  }
}

}  // namespace

std::vector<Finding> CheckSortedLists(const std::string& path,
                                      const std::vector<BuildRule>& rules) {
  std::vector<Finding> findings;
  for (const BuildRule& rule : rules) {
    for (const char* attribute : kSortedAttributes) {
      const auto found = rule.attributes.find(attribute);
      if (found == rule.attributes.end()) continue;
      for (const BuildList& list : found->second) {
        CheckList(path, list, &findings);
      }
    }
  }
  return findings;
}

}  // namespace tools::lint
