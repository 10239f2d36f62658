#include "tools/lint/includes.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tools::lint {
namespace {

// A header, or a folder of headers of which any will do, and names that need
// it.
struct Provider {
  absl::string_view header;
  std::vector<absl::string_view> names;
};

const std::vector<Provider>& Providers() {
  static const auto* const providers = new std::vector<Provider>{
      {"ATen/Parallel.h",
       {"at::get_num_threads", "at::parallel_for", "at::set_num_threads"}},
      {"Eigen/", {"Eigen::"}},
      {"opencv2/", {"cv::"}},
      {"nlohmann/", {"nlohmann::"}},
      {"absl/status/status.h",
       {"absl::CancelledError", "absl::DataLossError",
        "absl::FailedPreconditionError", "absl::InternalError",
        "absl::OutOfRangeError", "absl::AlreadyExistsError",
        "absl::InvalidArgumentError", "absl::NotFoundError", "absl::OkStatus",
        "absl::ResourceExhaustedError", "absl::Status", "absl::StatusCode",
        "absl::UnavailableError", "absl::UnimplementedError"}},
      {"absl/status/statusor.h", {"absl::StatusOr"}},
      {"absl/strings/ascii.h",
       {"absl::AsciiStrToLower", "absl::AsciiStrToUpper",
        "absl::StripAsciiWhitespace", "absl::ascii_isalnum",
        "absl::ascii_isdigit", "absl::ascii_isspace"}},
      {"absl/strings/match.h",
       {"absl::EndsWith", "absl::EndsWithIgnoreCase", "absl::EqualsIgnoreCase",
        "absl::StartsWith", "absl::StartsWithIgnoreCase", "absl::StrContains"}},
      {"absl/strings/numbers.h",
       {"absl::SimpleAtob", "absl::SimpleAtod", "absl::SimpleAtoi"}},
      {"absl/strings/str_cat.h",
       {"absl::Hex", "absl::StrAppend", "absl::StrCat"}},
      {"absl/strings/str_format.h",
       {"absl::FPrintF", "absl::PrintF", "absl::StrAppendFormat",
        "absl::StrFormat"}},
      {"absl/strings/str_join.h", {"absl::StrJoin"}},
      {"absl/strings/str_split.h",
       {"absl::MaxSplits", "absl::SkipEmpty", "absl::StrSplit"}},
      {"absl/strings/string_view.h", {"absl::string_view"}},
      {"absl/synchronization/mutex.h",
       {"absl::CondVar", "absl::Mutex", "absl::MutexLock"}},
      {"absl/time/time.h",
       {"absl::Duration", "absl::FormatTime", "absl::Hours",
        "absl::InfiniteDuration", "absl::Milliseconds", "absl::Minutes",
        "absl::Seconds", "absl::Time"}},
      {"algorithm",
       {"std::all_of",
        "std::any_of",
        "std::clamp",
        "std::copy",
        "std::count",
        "std::equal",
        "std::fill",
        "std::find",
        "std::find_if",
        "std::is_sorted",
        "std::lower_bound",
        "std::max",
        "std::max_element",
        "std::min",
        "std::min_element",
        "std::minmax_element",
        "std::none_of",
        "std::nth_element",
        "std::partition_point",
        "std::remove_if",
        "std::reverse",
        "std::search",
        "std::sort",
        "std::stable_sort",
        "std::swap_ranges",
        "std::transform",
        "std::unique",
        "std::upper_bound"}},
      {"array", {"std::array"}},
      {"chrono", {"std::chrono"}},
      {"cmath",
       {"std::atan2", "std::ceil", "std::cos", "std::exp", "std::exp2",
        "std::floor", "std::fma", "std::fmod", "std::hypot", "std::isfinite",
        "std::isnan", "std::log", "std::log2", "std::pow", "std::round",
        "std::sin", "std::sqrt", "std::tan", "std::tanh"}},
      {"cstdint",
       {"int16_t", "int32_t", "int64_t", "int8_t", "uint16_t", "uint32_t",
        "uint64_t", "uint8_t"}},
      {"filesystem", {"std::filesystem"}},
      {"functional", {"std::function"}},
      {"gmock/", {"ASSERT_THAT", "EXPECT_THAT"}},
      {"gtest/", {"TEST", "TEST_F", "TEST_P"}},
      {"limits", {"std::numeric_limits"}},
      {"map", {"std::map", "std::multimap"}},
      {"memory",
       {"std::make_shared", "std::make_unique", "std::shared_ptr",
        "std::unique_ptr", "std::weak_ptr"}},
      {"optional", {"std::nullopt", "std::optional"}},
      {"random",
       {"std::mt19937", "std::mt19937_64", "std::normal_distribution",
        "std::uniform_int_distribution", "std::uniform_real_distribution"}},
      {"set", {"std::multiset", "std::set"}},
      {"string", {"std::string", "std::to_string"}},
      {"torch/autograd.h", {"torch::autograd"}},
      {"torch/cuda.h", {"torch::cuda"}},
      {"torch/nn/", {"torch::nn"}},
      {"torch/utils.h", {"torch::NoGradGuard", "torch::manual_seed"}},
      {"utility",
       {"std::exchange", "std::forward", "std::make_pair", "std::move",
        "std::pair", "std::swap"}},
      {"variant",
       {"std::get_if", "std::holds_alternative", "std::variant", "std::visit"}},
      {"vector", {"std::vector"}},
  };
  return *providers;
}

// Of name to header.
const std::map<absl::string_view, absl::string_view>& HeaderOfName() {
  static const auto* const headers = [] {
    auto* map = new std::map<absl::string_view, absl::string_view>();
    for (const Provider& provider : Providers()) {
      for (const absl::string_view name : provider.names) {
        map->emplace(name, provider.header);
      }
    }
    return map;
  }();
  return *headers;
}

bool IsNamePart(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// Where the literal or comment that begins at `at` ends; `at` if none does.
size_t EndOfBlank(absl::string_view text, size_t at) {
  const auto after = [&](absl::string_view end, size_t from) {
    const size_t found = text.find(end, from);
    return found == absl::string_view::npos ? text.size() : found + end.size();
  };
  const absl::string_view rest = text.substr(at);
  if (absl::StartsWith(rest, "//")) return text.find('\n', at);
  if (absl::StartsWith(rest, "/*")) return after("*/", at + 2);
  const bool follows_name = at > 0 && IsNamePart(text[at - 1]);
  if (absl::StartsWith(rest, "R\"") && !follows_name) {
    const size_t open = text.find('(', at);
    if (open == absl::string_view::npos) return text.size();
    return after(absl::StrCat(")", text.substr(at + 2, open - at - 2), "\""),
                 open);
  }
  const bool separates_digits = rest[0] == '\'' && follows_name;
  if ((rest[0] != '"' && rest[0] != '\'') || separates_digits) return at;
  size_t end = at + 1;
  while (end < text.size() && text[end] != rest[0] && text[end] != '\n') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(text.size(), end + 1);
}

// What `path` includes, headers of the tree read through. `direct` has what
// each file of the tree includes itself.
std::set<std::string> AllIncludes(
    const std::map<std::string, std::map<std::string, int>>& direct,
    const std::string& path) {
  std::set<std::string> all;
  std::vector<std::string> open = {path};
  while (!open.empty()) {
    const auto file = direct.find(open.back());
    open.pop_back();
    if (file == direct.end()) continue;
    for (const auto& [include, line] : file->second) {
      if (all.insert(include).second) open.push_back(include);
    }
  }
  return all;
}

bool Has(const std::set<std::string>& includes, absl::string_view header) {
  const auto includes_all = [&](const char* folder, const char* all) {
    return absl::StartsWith(header, folder) && includes.count(all) > 0;
  };
  if (includes_all("torch/", "torch/torch.h") ||
      includes_all("torch/nn/", "torch/nn.h")) {
    return true;
  }
  if (!absl::EndsWith(header, "/")) {
    return includes.count(std::string(header)) > 0;
  }
  return std::any_of(includes.begin(), includes.end(),
                     [header](const std::string& include) {
                       return absl::StrContains(include, header);
                     });
}

// "std::min" of what begins so, or "cv::" where all of a namespace has one
// header; a name without a namespace as it is.
absl::string_view KnownName(absl::string_view code) {
  size_t end = 0;
  while (end < code.size() && IsNamePart(code[end])) ++end;
  if (!absl::StartsWith(code.substr(end), "::")) return code.substr(0, end);
  end += 2;
  if (HeaderOfName().count(code.substr(0, end)) > 0) return code.substr(0, end);
  while (end < code.size() && IsNamePart(code[end])) ++end;
  return code.substr(0, end);
}

// The first line that uses a name of each header.
std::map<absl::string_view, std::pair<int, std::string>> UsesOf(
    const std::string& code) {
  std::map<absl::string_view, std::pair<int, std::string>> uses;
  int line = 1;
  for (size_t at = 0; at < code.size();) {
    if (code[at] == '\n') ++line;
    if (!IsNamePart(code[at])) {
      ++at;
      continue;
    }
    const absl::string_view name =
        KnownName(absl::string_view(code).substr(at));
    const auto header = HeaderOfName().find(name);
    const bool is_qualified = at > 1 && code[at - 1] == ':';
    if (header != HeaderOfName().end() && !is_qualified) {
      uses.emplace(header->second, std::pair(line, std::string(name)));
    }
    at += name.size();
  }
  return uses;
}

}  // namespace

std::string CodeOf(absl::string_view text) {
  std::string code(text);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), EndOfBlank(text, at));
    if (end == at) {
      ++at;
      continue;
    }
    for (; at < end; ++at) {
      if (code[at] != '\n') code[at] = ' ';
    }
  }
  return code;
}

std::vector<Finding> CheckIncludes(const SourceTree& tree) {
  std::map<std::string, std::map<std::string, int>> direct;
  for (const auto& [path, content] : tree.files()) {
    if (IsCpp(path)) direct[path] = Includes(content);
  }
  std::vector<Finding> findings;
  for (const auto& [path, own] : direct) {
    if (absl::EndsWith(path, "_inl.h")) continue;
    const std::set<std::string> includes = AllIncludes(direct, path);
    for (const auto& [header, use] : UsesOf(CodeOf(tree.files().at(path)))) {
      if (Has(includes, header)) continue;
      const char* const any = absl::EndsWith(header, "/") ? "a header of " : "";
      findings.push_back({path, use.first,
                          absl::StrCat("uses ", use.second,
                                       " and does not include ", any, header)});
    }
  }
  return findings;
}

}  // namespace tools::lint
