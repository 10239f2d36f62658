#include "tools/lint/commands.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

// Flags of Bazel, of scripts and of other programs that pages name.
const std::set<std::string>& ForeignFlags() {
  static const auto* const flags =
      new std::set<std::string>{"aspects",
                                "checked",
                                "compilation_mode",
                                "config",
                                "copt",
                                "cxxopt",
                                "help",
                                "host_cxxopt",
                                "logdir",
                                "no-python",
                                "nproc_per_node",
                                "output_groups",
                                "proto_compiler",
                                "proto_toolchain_for_cc",
                                "repo_env",
                                "system-site-packages",
                                "test_env",
                                "test_output",
                                "test_tag_filters",
                                "without_torch"};
  return *flags;
}

bool IsLabelCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("_./:-*", absl::string_view(&c, 1));
}

bool IsFlagCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

std::vector<ProseLine> Lines(const std::string& content) {
  std::vector<ProseLine> lines;
  for (const absl::string_view line : absl::StrSplit(content, '\n')) {
    lines.push_back({static_cast<int>(lines.size()) + 1, std::string(line)});
  }
  return lines;
}

std::vector<std::string> LabelsOf(const std::string& line) {
  std::vector<std::string> labels;
  for (size_t at = line.find("//"); at != std::string::npos;
       at = line.find("//", at + 2)) {
    // A URL has a colon in front, a path a name or a dot.
    const absl::string_view before(line.data(), at);
    if (at > 0 && !absl::EndsWith(before, "@cpab_animation") &&
        IsLabelCharacter(before.back())) {
      continue;
    }
    size_t end = at + 2;
    while (end < line.size() && IsLabelCharacter(line[end])) ++end;
    absl::string_view label(&line[at], end - at);
    while (!absl::EndsWith(label, "...") &&
           (absl::ConsumeSuffix(&label, ".") ||
            absl::ConsumeSuffix(&label, ":") ||
            absl::ConsumeSuffix(&label, "-"))) {
      continue;
    }
    if (label.size() > 2 && label[2] != '/') labels.emplace_back(label);
  }
  return labels;
}

// The flags of `text`, "--name" without dashes and values.
std::vector<std::string> FlagsIn(const std::string& text) {
  std::vector<std::string> flags;
  for (size_t at = text.find("--"); at != std::string::npos;) {
    size_t end = at + 2;
    while (end < text.size() && IsFlagCharacter(text[end])) ++end;
    const bool begins =
        at == 0 || absl::StrContains(" `[(", text.substr(at - 1, 1));
    const std::string name = text.substr(at + 2, end - at - 2);
    if (begins && !name.empty() && name[0] != '-') flags.push_back(name);
    at = text.find("--", end);
  }
  return flags;
}

bool Knows(const std::set<std::string>& flags, const std::string& name) {
  return flags.count(name) > 0 || name == "help" ||
         absl::StartsWith(name, "benchmark_") ||
         absl::StartsWith(name, "gtest_") ||
         (absl::StartsWith(name, "no") && flags.count(name.substr(2)) > 0);
}

// The name that begins at `begin`.
std::string FlagNameAt(const std::string& source, size_t begin) {
  size_t end = begin;
  while (end < source.size() && IsFlagCharacter(source[end])) ++end;
  return source.substr(begin, end - begin);
}

// What parser.add_argument('--name', ...) defines in a source in Python.
void AddPythonFlags(const std::string& source, std::set<std::string>* flags) {
  const std::string call = "add_argument(";
  for (size_t at = source.find(call); at != std::string::npos;
       at = source.find(call, at + 1)) {
    const size_t begin = source.find_first_not_of(" \n'\"", at + call.size());
    if (begin == std::string::npos) return;
    if (source.compare(begin, 2, "--") == 0) {
      flags->insert(FlagNameAt(source, begin + 2));
    }
  }
}

// What ABSL_FLAG(type, name, ...) defines in a source.
void AddDefinedFlags(const std::string& source, std::set<std::string>* flags) {
  AddPythonFlags(source, flags);
  constexpr char kMacro[] = "ABSL_FLAG(";
  for (size_t at = source.find(kMacro); at != std::string::npos;
       at = source.find(kMacro, at + 1)) {
    const size_t comma = source.find(',', at);
    if (comma == std::string::npos) return;
    const size_t begin = source.find_first_not_of(" \n", comma + 1);
    flags->insert(FlagNameAt(source, std::min(begin, source.size())));
  }
}

// The flags that the sources of a binary and of the libraries below it define.
// Empty if there is no such rule.
std::set<std::string> FlagsOf(const SourceTree& tree, const Targets& targets,
                              const std::string& label) {
  std::set<std::string> flags;
  std::set<std::string> seen;
  std::deque<std::string> next = {label};
  while (!next.empty()) {
    const std::string here = targets.Actual(next.front());
    next.pop_front();
    const BuildRule* rule = targets.Find(here);
    if (rule == nullptr || !seen.insert(here).second) continue;
    const std::string package = LabelParts(here).first;
    for (const std::string& source : rule->Strings("srcs")) {
      const auto file = tree.files().find(Joined(package, source));
      if (file != tree.files().end()) AddDefinedFlags(file->second, &flags);
    }
    for (const std::string& dep : rule->Strings("deps")) {
      next.push_back(WholeLabel(package, dep));
    }
  }
  return flags;
}

// The command that begins in line *i, of several lines where these end in a
// backslash. *i becomes its last line.
std::string WholeCommand(const std::vector<std::string>& lines, size_t* i) {
  std::string command = lines[*i];
  while (absl::EndsWith(command, "\\") && *i + 1 < lines.size()) {
    command.pop_back();
    absl::StrAppend(&command, lines[++*i]);
  }
  return command;
}

// "//visibility:public", "//folder:__subpackages__".
bool IsVisibility(const std::string& label) {
  const auto [package, name] = LabelParts(label);
  return package == "visibility" || absl::StartsWith(name, "__");
}

// Files of which only commands are read: "//" means more in them.
bool IsScript(absl::string_view path) {
  return absl::EndsWith(path, ".js") || absl::EndsWith(path, ".py") ||
         absl::EndsWith(path, ".yaml");
}

class FlagChecker {
 public:
  FlagChecker(const SourceTree& tree, const Targets& targets)
      : tree_(tree), targets_(targets), all_(ForeignFlags()) {
    for (const auto& [path, content] : tree.files()) {
      if (absl::EndsWith(path, ".cc") || absl::EndsWith(path, ".py")) {
        AddDefinedFlags(content, &all_);
      }
    }
    const auto bazelrc = tree.files().find(".bazelrc");
    if (bazelrc != tree.files().end()) bazelrc_ = bazelrc->second;
    for (const std::string& flag : FlagsIn(bazelrc_)) all_.insert(flag);
  }

  std::vector<Finding> Check() {
    for (const auto& [path, content] : tree_.files()) {
      const bool is_page = absl::EndsWith(path, ".md");
      if (absl::StartsWith(path, kOwnFolder)) continue;
      if (!is_page && !absl::EndsWith(path, ".cc") && !IsScript(path)) continue;
      const std::vector<std::string> lines = absl::StrSplit(content, '\n');
      for (size_t i = 0; i < lines.size(); ++i) {
        if (absl::StrContains(lines[i], "bazelw ")) {
          const int line = static_cast<int>(i) + 1;
          CheckCommand(path, line, WholeCommand(lines, &i));
        } else if (is_page) {
          CheckInProse(path, static_cast<int>(i) + 1, lines[i]);
        }
      }
    }
    return std::move(findings_);
  }

 private:
  void Report(const std::string& path, int line, const std::string& message) {
    findings_.push_back({path, line, message});
  }

  void CheckCommand(const std::string& path, int line,
                    const std::string& command) {
    const std::string rest = command.substr(command.find("bazelw "));
    const size_t separator = rest.find(" -- ");
    const std::string bazel = rest.substr(0, separator);
    CheckConfigs(path, line, bazel);
    if (separator == std::string::npos) return;
    const std::vector<std::string> labels = LabelsOf(bazel);
    if (labels.size() != 1 || !targets_.Has(tree_, labels[0])) return;
    const std::set<std::string> flags = FlagsOf(tree_, targets_, labels[0]);
    // What follows a command in a sentence is another matter.
    const size_t end = rest.find_first_of("`)", separator);
    const std::string arguments =
        rest.substr(separator + 4, end - separator - 4);
    for (const std::string& flag : FlagsIn(arguments)) {
      if (Knows(flags, flag)) continue;
      Report(path, line, absl::StrCat(labels[0], " has no flag --", flag));
    }
  }

  void CheckConfigs(const std::string& path, int line,
                    const std::string& bazel) {
    const std::string option = "--config=";
    for (size_t at = bazel.find(option); at != std::string::npos;
         at = bazel.find(option, at + 1)) {
      size_t end = at + option.size();
      while (end < bazel.size() && IsFlagCharacter(bazel[end])) ++end;
      const std::string name =
          bazel.substr(at + option.size(), end - at - option.size());
      if (absl::StrContains(bazelrc_, absl::StrCat(":", name, " "))) continue;
      Report(path, line, absl::StrCat(".bazelrc has no config ", name));
    }
  }

  void CheckInProse(const std::string& path, int line,
                    const std::string& text) {
    CheckConfigs(path, line, text);
    for (const std::string& flag : FlagsIn(text)) {
      if (Knows(all_, flag)) continue;
      Report(path, line, absl::StrCat("no program has a flag --", flag));
    }
  }

  const SourceTree& tree_;
  const Targets& targets_;
  std::set<std::string> all_;
  std::string bazelrc_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> CheckLabels(const SourceTree& tree,
                                 const Targets& targets) {
  std::vector<Finding> findings;
  for (const auto& [path, content] : tree.files()) {
    const bool is_script = IsScript(path);
    if (absl::StartsWith(path, kOwnFolder)) continue;
    if (!IsText(path) && !is_script) continue;
    // Programs tell labels to their users. In BUILD files Bazel checks them.
    const bool has_labels_in_code =
        is_script || IsCpp(path) || absl::EndsWith(path, ".sh");
    for (const ProseLine& line :
         has_labels_in_code ? Lines(content) : Prose(path, content)) {
      if (is_script && !absl::StrContains(line.text, "bazelw ")) continue;
      for (const std::string& label : LabelsOf(line.text)) {
        if (targets.Has(tree, label) || IsVisibility(label)) continue;
        findings.push_back(
            {path, line.line, absl::StrCat("there is no target ", label)});
      }
    }
  }
  return findings;
}

std::vector<Finding> CheckFlags(const SourceTree& tree,
                                const Targets& targets) {
  return FlagChecker(tree, targets).Check();
}

}  // namespace tools::lint
