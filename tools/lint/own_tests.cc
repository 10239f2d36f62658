#include "tools/lint/own_tests.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tools/lint/build_file.h"

namespace tools::lint {
namespace {

constexpr char kMark[] = "Tested by ";

// "a/b" of "a/b.cc".
std::string WithoutEnding(const std::string& path) {
  return path.substr(0, path.rfind('.'));
}

bool IsTestFile(const SourceTree& tree, const std::string& stem) {
  for (const char* ending : {".cc", ".sh", ".py"}) {
    if (tree.HasFile(absl::StrCat(stem, ending))) return true;
  }
  return false;
}

bool HasTestOfItsName(const SourceTree& tree, const std::string& stem) {
  return IsTestFile(tree, absl::StrCat(stem, "_test"));
}

// Whether a comment of the file names a test that exists.
bool NamesATest(const SourceTree& tree, const std::string& path,
                const std::string& content) {
  for (const ProseLine& line : Prose(path, content)) {
    const size_t at = line.text.find(kMark);
    if (at == std::string::npos) continue;
    absl::string_view word = line.text;
    word.remove_prefix(at + absl::string_view(kMark).size());
    word = word.substr(0, word.find_first_of(" ,;"));
    absl::ConsumeSuffix(&word, ".");
    const std::string test(word);
    if (!absl::EndsWith(WithoutEnding(test), "_test")) continue;
    if (tree.HasFile(test) || tree.HasFile(Joined(FolderOf(path), test))) {
      return true;
    }
  }
  return false;
}

// The header and the source of a library, "a.h" and "a.cc" or "a.cu".
void CheckPair(const SourceTree& tree, const std::string& stem,
               std::vector<Finding>* findings) {
  std::string last;
  int64_t lines = 0;
  for (const char* ending : {".h", ".cc", ".cu"}) {
    const std::string path = absl::StrCat(stem, ending);
    const auto file = tree.files().find(path);
    if (file == tree.files().end()) continue;
    if (NamesATest(tree, path, file->second)) return;
    lines += std::count(file->second.begin(), file->second.end(), '\n');
    last = path;
  }
  if (lines < kLongSource || HasTestOfItsName(tree, stem)) return;
  findings->push_back(
      {last, 1,
       absl::StrCat("has ", lines,
                    " lines in header and source and no test: write ", stem,
                    "_test.cc, or say \"", kMark, "PATH\" in a comment")});
}

}  // namespace

std::vector<Finding> CheckOwnTests(const SourceTree& tree,
                                   const Targets& targets) {
  std::vector<Finding> findings;
  std::set<std::string> seen;
  for (const auto& [build, rules] : targets.rules()) {
    for (const BuildRule& rule : rules) {
      if (rule.testonly || !absl::EndsWith(rule.kind, "_library")) continue;
      for (const char* attribute : {"hdrs", "srcs", "textual_hdrs"}) {
        for (const std::string& file : rule.Strings(attribute)) {
          const std::string path = Joined(FolderOf(build), file);
          if (!IsCpp(path)) continue;
          const std::string stem = WithoutEnding(path);
          if (seen.insert(stem).second) CheckPair(tree, stem, &findings);
        }
      }
    }
  }
  return findings;
}

}  // namespace tools::lint
