#include "tools/lint/targets.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "third_party/absl/status_macros.h"

namespace tools::lint {
namespace {

std::string BuildPath(const std::string& package) {
  return package.empty() ? "BUILD" : absl::StrCat(package, "/BUILD");
}

}  // namespace

std::pair<std::string, std::string> LabelParts(absl::string_view label) {
  absl::ConsumePrefix(&label, "@cpab_animation");
  absl::ConsumePrefix(&label, "//");
  const std::vector<std::string> parts =
      absl::StrSplit(label, absl::MaxSplits(':', 1));
  if (parts.size() == 2) return {parts[0], parts[1]};
  return {parts[0], parts[0].substr(parts[0].rfind('/') + 1)};
}

std::string WholeLabel(const std::string& package, const std::string& label) {
  if (absl::StartsWith(label, ":")) return absl::StrCat("//", package, label);
  const auto [folder, name] = LabelParts(label);
  return absl::StrCat("//", folder, ":", name);
}

absl::StatusOr<Targets> Targets::Read(const SourceTree& tree) {
  Targets targets;
  for (const auto& [path, content] : tree.files()) {
    if (path != "BUILD" && !absl::EndsWith(path, "/BUILD")) continue;
    ASSIGN_OR_RETURN(targets.rules_[path], ParseBuildFile(path, content));
  }
  return targets;
}

const BuildRule* Targets::Find(const std::string& label) const {
  const auto [package, name] = LabelParts(label);
  const auto found = rules_.find(BuildPath(package));
  if (found == rules_.end()) return nullptr;
  for (const BuildRule& rule : found->second) {
    if (rule.name() == name) return &rule;
  }
  return nullptr;
}

std::string Targets::Actual(const std::string& label) const {
  std::string here = WholeLabel("", label);
  // An alias of an alias of itself would end nowhere; Bazel refuses it.
  for (int steps = 0; steps < 10; ++steps) {
    const BuildRule* rule = Find(here);
    if (rule == nullptr || rule->kind != "alias") break;
    const std::vector<std::string> actual = rule->Strings("actual");
    // Other repositories are not read.
    if (actual.size() != 1 || absl::StartsWith(actual[0], "@")) break;
    here = WholeLabel(LabelParts(here).first, actual[0]);
  }
  return here;
}

bool Targets::Has(const SourceTree& tree, const std::string& label) const {
  const auto [package, name] = LabelParts(label);
  if (absl::EndsWith(label, "...")) {
    absl::string_view folder = absl::StripSuffix(package, "...");
    absl::ConsumeSuffix(&folder, "/");
    return tree.HasFolder(std::string(folder));
  }
  const bool has_package = rules_.count(BuildPath(package)) > 0;
  if (label.find(':') == std::string::npos || name == "all") return has_package;
  return Find(label) != nullptr ||
         (has_package && tree.HasFile(Joined(package, name)));
}

}  // namespace tools::lint
