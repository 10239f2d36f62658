#include "tools/lint/header_names.h"

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tools::lint {

std::vector<Finding> CheckHeaderNames(const SourceTree& tree) {
  std::vector<Finding> findings;
  std::map<std::string, std::string> first_of_name;
  for (const auto& [path, content] : tree.files()) {
    if (!absl::EndsWith(path, ".h")) continue;
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto [first, is_new] = first_of_name.emplace(name, path);
    if (is_new) continue;
    findings.push_back(
        {path, 1, absl::StrCat("has the name of ", first->second)});
  }
  return findings;
}

}  // namespace tools::lint
