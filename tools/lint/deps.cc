#include "tools/lint/deps.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

bool IsCppRule(const BuildRule& rule) {
  static const auto* const kinds = new std::set<std::string>{
      "cc_binary",    "cc_library",    "cc_test",   "optimized_test",
      "torch_binary", "torch_library", "torch_test"};
  return kinds->count(rule.kind) > 0;
}

class DepsChecker {
 public:
  DepsChecker(const SourceTree& tree, const Targets& targets)
      : tree_(tree), targets_(targets) {
    for (const auto& [path, rules] : targets.rules()) {
      for (const BuildRule& rule : rules) {
        const std::set<std::string> headers = HeadersOf(FolderOf(path), rule);
        headers_.insert(headers.begin(), headers.end());
      }
    }
  }

  std::vector<Finding> Check() {
    for (const auto& [path, rules] : targets_.rules()) {
      for (const BuildRule& rule : rules) {
        if (IsCppRule(rule)) CheckRule(path, rule);
      }
    }
    return std::move(findings_);
  }

 private:
  // The headers that the rule gives to others.
  std::set<std::string> HeadersOf(const std::string& package,
                                  const BuildRule& rule) const {
    std::set<std::string> headers;
    for (const char* attribute : {"hdrs", "textual_hdrs"}) {
      for (const std::string& header : rule.Strings(attribute)) {
        headers.insert(Joined(package, header));
      }
    }
    if (rule.kind != "cc_proto_library") return headers;
    for (const std::string& dep : rule.Strings("deps")) {
      const std::string label = WholeLabel(package, dep);
      const BuildRule* proto = targets_.Find(label);
      if (proto == nullptr) continue;
      for (const std::string& source : proto->Strings("srcs")) {
        headers.insert(
            Joined(LabelParts(label).first,
                   absl::StrCat(absl::StripSuffix(source, ".proto"), ".pb.h")));
      }
    }
    return headers;
  }

  std::set<std::string> HeadersOf(const std::string& label) const {
    const std::string actual = targets_.Actual(label);
    const BuildRule* rule = targets_.Find(actual);
    if (rule == nullptr) return {};
    return HeadersOf(LabelParts(actual).first, *rule);
  }

  void CheckRule(const std::string& build, const BuildRule& rule) {
    const std::string package = FolderOf(build);
    std::map<std::string, std::string> wanted;  // header to who includes it
    std::set<std::string> given;
    for (const char* attribute : {"srcs", "hdrs", "textual_hdrs"}) {
      for (const std::string& file : rule.Strings(attribute)) {
        const std::string path = Joined(package, file);
        given.insert(path);
        const auto content = tree_.files().find(path);
        if (content == tree_.files().end()) continue;
        for (const auto& [header, line] : Includes(content->second)) {
          wanted.emplace(header, absl::StrCat(path, ":", line));
        }
      }
    }
    for (const std::string& dep : rule.Strings("deps")) {
      const std::string label = WholeLabel(package, dep);
      const std::set<std::string> headers = HeadersOf(label);
      given.insert(headers.begin(), headers.end());
      CheckUse(build, rule, label, headers, wanted);
    }
    for (const auto& [header, place] : wanted) {
      if (given.count(header) > 0 || headers_.count(header) == 0) continue;
      if (absl::StartsWith(header, "third_party/")) continue;
      Report(build, rule,
             absl::StrCat("lacks the library of ", header, ", which ", place,
                          " includes"));
    }
  }

  void CheckUse(const std::string& build, const BuildRule& rule,
                const std::string& label, const std::set<std::string>& headers,
                const std::map<std::string, std::string>& wanted) {
    if (headers.empty() || absl::StartsWith(label, "//third_party")) return;
    for (const std::string& header : headers) {
      if (wanted.count(header) > 0) return;
    }
    Report(build, rule,
           absl::StrCat("depends on ", label, " and includes none of it"));
  }

  void Report(const std::string& build, const BuildRule& rule,
              const std::string& message) {
    findings_.push_back(
        {build, rule.line, absl::StrCat(rule.name(), " ", message)});
  }

  const SourceTree& tree_;
  const Targets& targets_;
  std::set<std::string> headers_;  // of all rules
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> CheckDeps(const SourceTree& tree, const Targets& targets) {
  return DepsChecker(tree, targets).Check();
}

}  // namespace tools::lint
