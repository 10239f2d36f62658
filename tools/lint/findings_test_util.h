// What the tests of the checks share: small trees, and findings as texts.
#ifndef TOOLS_LINT_FINDINGS_TEST_UTIL_H_
#define TOOLS_LINT_FINDINGS_TEST_UTIL_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/build_file.h"
#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

using Files = std::map<std::string, std::string>;

inline std::vector<std::string> Texts(const std::vector<Finding>& findings) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) texts.push_back(FindingText(finding));
  return texts;
}

using Check = std::vector<Finding> (*)(const SourceTree&, const Targets&);

// What `check` finds in a tree of these files.
inline std::vector<std::string> FindingsOf(Check check, Files files) {
  const SourceTree tree(std::move(files));
  const auto targets = Targets::Read(tree);
  EXPECT_THAT(targets, IsOk());
  return Texts(check(tree, *targets));
}

inline std::vector<BuildRule> Rules(const std::string& text) {
  auto rules = ParseBuildFile("BUILD", text);
  EXPECT_THAT(rules, IsOk());
  return rules.value_or(std::vector<BuildRule>());
}

}  // namespace tools::lint

#endif  // TOOLS_LINT_FINDINGS_TEST_UTIL_H_
