#include "pipelines/app/command_line.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pipelines/base/nearest_word.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/user_path.h"

namespace pipelines {
namespace {

// Letters that two names have in common at the start.
size_t CommonPrefix(absl::string_view a, absl::string_view b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
         a.begin();
}

// The flag, or "no" and the boolean flag, that is spelt most like `name`; else
// the flag that begins like it; empty if none is.
std::string NearestFlag(absl::string_view name) {
  std::vector<std::string> names;
  std::vector<std::string> turned_off;
  for (const auto& [candidate, flag] : absl::GetAllFlags()) {
    names.emplace_back(candidate);
    if (flag->IsOfType<bool>()) {
      turned_off.push_back(absl::StrCat("no", candidate));
    }
  }
  std::sort(names.begin(), names.end());
  std::sort(turned_off.begin(), turned_off.end());
  std::vector<std::string> spellings = names;
  spellings.insert(spellings.end(), turned_off.begin(), turned_off.end());
  if (const auto nearest = NearestWord(name, spellings)) return *nearest;
  std::string nearest;
  for (const std::string& candidate : names) {
    if (CommonPrefix(candidate, name) > CommonPrefix(nearest, name)) {
      nearest = candidate;
    }
  }
  return CommonPrefix(nearest, name) > 1 ? nearest : "";
}

// Where there is a config, one may take its fields for flags.
std::string SettingAdvice(absl::string_view name) {
  if (absl::FindCommandLineFlag("set") == nullptr) return "";
  return absl::StrContains(name, '.')
             ? absl::StrCat(" Did you mean --set ", name, "=VALUE?")
             : " A field of the config is set by --set path.to.field=value.";
}

absl::Status UnknownFlag(absl::string_view name) {
  const std::string nearest =
      absl::StrContains(name, '.') ? "" : NearestFlag(name);
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no flag --", name, ".",
      nearest.empty() ? SettingAdvice(name)
                      : absl::StrCat(" Did you mean --", nearest, "?"),
      " See --help."));
}

// What is a value of `flag`, by its type; empty of a type that no program has.
absl::string_view ValuesOf(const absl::CommandLineFlag& flag) {
  if (flag.IsOfType<bool>()) return "yes or no";
  if (flag.IsOfType<double>()) return "a number";
  if (flag.IsOfType<uint64_t>()) return "a whole number from 0 on";
  if (flag.IsOfType<int>()) return "a whole number up to 2147483647";
  if (flag.IsOfType<int64_t>()) return "a whole number";
  return "";
}

absl::Status SetFlag(absl::string_view name, absl::string_view value) {
  absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  std::string error;
  if (flag->ParseFrom(value, &error)) return absl::OkStatus();
  const absl::string_view values = ValuesOf(*flag);
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, " is '", value, "'; ",
                   values.empty() ? error : absl::StrCat("use ", values)));
}

// Whether `word` is one of the flags, and so no value of the flag before it.
bool IsFlag(absl::string_view word) {
  if (word == "--help") return true;  // not Abseil's
  if (!absl::ConsumePrefix(&word, "--")) return false;
  absl::string_view name = word.substr(0, word.find('='));
  if (absl::FindCommandLineFlag(name) != nullptr) return true;
  if (!absl::ConsumePrefix(&name, "no")) return false;
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && flag->IsOfType<bool>();
}

constexpr size_t kHelpColumns = 80;

// The entry of a flag in --help.
std::string FlagHelp(const absl::CommandLineFlag& flag) {
  const std::string value = flag.DefaultValue();
  std::string text = flag.Help();
  if (!value.empty()) absl::StrAppend(&text, " Default: ", value);
  if (flag.IsOfType<bool>() && value == "true") {
    absl::StrAppend(&text, "; --no", flag.Name(), " turns it off");
  }
  if (!value.empty()) text += '.';
  return absl::StrCat("  --", flag.Name(), "\n", Wrapped(text, 6));
}

// Reads one word, and the next one if it is the value of this one's flag.
class Parser {
 public:
  Parser(int argc, const char* const* argv) : words_(argv + 1, argv + argc) {
    result_.words.assign(argv, argv + argc);
  }

  absl::StatusOr<CommandLine> Parse() {
    while (next_ < words_.size() && !result_.help) {
      const std::string& word = words_[next_++];
      if (word == "--") break;
      if (word == "-h" || word == "--help" || word == "-help") {
        result_.help = true;
      } else if (word.size() > 1 && word[0] == '-') {
        if (absl::Status status = ParseFlag(word); !status.ok()) return status;
      } else {
        result_.arguments.push_back(word);
      }
    }
    result_.arguments.insert(result_.arguments.end(), words_.begin() + next_,
                             words_.end());
    return result_;
  }

 private:
  absl::Status ParseFlag(const std::string& word) {
    absl::string_view text = word;
    absl::ConsumePrefix(&text, "-");
    absl::ConsumePrefix(&text, "-");
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    const absl::string_view name = sides.first;
    const bool has_value = absl::StrContains(text, '=');
    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    if (flag != nullptr && name == "set") {
      return AddOverride(has_value, sides.second);
    }
    if (flag == nullptr && absl::StartsWith(name, "no")) {
      flag = absl::FindCommandLineFlag(name.substr(2));
      if (flag != nullptr && flag->IsOfType<bool>()) {
        if (!has_value) return SetFlag(name.substr(2), "false");
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " takes no value"));
      }
      flag = nullptr;
    }
    if (flag == nullptr) return UnknownFlag(name);
    if (has_value) return SetFlag(name, sides.second);
    if (flag->IsOfType<bool>()) return SetFlag(name, "true");
    if (absl::Status status = CheckNextIsValue(name); !status.ok()) {
      return status;
    }
    return SetFlag(name, words_[next_++]);
  }

  absl::Status AddOverride(bool has_value, absl::string_view value) {
    if (!has_value) {
      if (absl::Status status = CheckNextIsValue("set"); !status.ok()) {
        return status;
      }
      value = words_[next_++];
    }
    result_.overrides.emplace_back(value);
    return absl::OkStatus();
  }

  absl::Status CheckNextIsValue(absl::string_view name) const {
    if (next_ == words_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " needs a value. See --help."));
    }
    const std::string& next = words_[next_];
    if (!IsFlag(next)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "--", name, " needs a value before ", next.substr(0, next.find('='))));
  }

  std::vector<std::string> words_;
  size_t next_ = 0;
  CommandLine result_;
};

}  // namespace

std::string Wrapped(absl::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  std::string result;
  std::string line;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!line.empty() && line.size() + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(&result, line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? margin : " ", word);
  }
  return absl::StrCat(result, line, "\n");
}

absl::StatusOr<CommandLine> ParseCommandLine(int argc,
                                             const char* const* argv) {
  return Parser(argc, argv).Parse();
}

absl::Status RefuseArguments(const CommandLine& line) {
  if (line.arguments.empty()) return absl::OkStatus();
  for (const std::string& assignment : line.overrides) {
    if (absl::StrContains(assignment, '=')) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--set ", assignment, ": join the field and its value with '=': --set ",
        QuotedForShell(absl::StrCat(assignment, "=", line.arguments[0]))));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unexpected argument '", line.arguments[0], "'; see --help"));
}

std::vector<std::string> NamesWithCommas(
    const std::vector<std::string>& words,
    const std::function<bool(const std::string&)>& is_there) {
  constexpr size_t kMaxBytes = 4096;  // of a path, on Linux
  std::vector<std::string> names;
  for (auto begin = words.begin(); begin != words.end();) {
    auto end = begin + 1;
    std::string name = *begin;
    while (end != words.end() && name.size() + 1 + end->size() <= kMaxBytes) {
      absl::StrAppend(&name, ",", *end++);
    }
    while (end - begin > 1 && !is_there(name)) {
      --end;
      name.resize(name.size() - end->size() - 1);
    }
    names.push_back(std::move(name));
    begin = end;
  }
  return names;
}

std::vector<std::string> PathsWithCommas(
    const std::vector<std::string>& words) {
  return NamesWithCommas(words, [](const std::string& name) {
    std::error_code error;
    return std::filesystem::exists(UserPath(name), error);
  });
}

std::string RepeatedCommand(const std::string& target,
                            const CommandLine& line) {
  // What tools/bazelw and `bazel run` tell; see base/user_path.h.
  const bool is_by_bazel = std::getenv("CPAB_USER_DIRECTORY") != nullptr ||
                           std::getenv("BUILD_WORKING_DIRECTORY") != nullptr;
  std::string command = is_by_bazel
                            ? absl::StrCat("tools/bazelw run ", target, " --")
                            : QuotedForShell(line.words[0]);
  for (size_t i = 1; i < line.words.size(); ++i) {
    absl::StrAppend(&command, " ", QuotedForShell(line.words[i]));
  }
  return command;
}

std::string HelpText(absl::string_view usage, absl::string_view source,
                     const std::vector<FlagGroup>& groups) {
  std::map<std::string, const absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (absl::StrContains(flag->Filename(), source)) {
      flags[std::string(name)] = flag;
    }
  }
  std::string text =
      absl::StrCat(absl::StripTrailingAsciiWhitespace(usage), "\n");
  for (const FlagGroup& group : groups) {
    absl::StrAppend(&text, "\n", group.title, ":\n");
    for (const std::string& name : group.flags) {
      const auto found = flags.find(name);
      if (found == flags.end()) continue;
      text += FlagHelp(*found->second);
      flags.erase(found);
    }
  }
  if (flags.empty()) return text;
  text += groups.empty() ? "\nFlags:\n" : "\nOther flags:\n";
  for (const auto& [name, flag] : flags) text += FlagHelp(*flag);
  return text;
}

}  // namespace pipelines
