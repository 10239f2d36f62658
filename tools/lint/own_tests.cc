#include "tools/lint/own_tests.h"

#include <algorithm>
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

bool HasTestOfItsName(const SourceTree& tree, const std::string& path) {
  return IsTestFile(tree, absl::StrCat(WithoutEnding(path), "_test"));
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

bool HeaderNamesATest(const SourceTree& tree, const std::string& path) {
  const std::string header = absl::StrCat(WithoutEnding(path), ".h");
  const auto file = tree.files().find(header);
  return file != tree.files().end() && NamesATest(tree, header, file->second);
}

void CheckFile(const SourceTree& tree, const std::string& path,
               std::vector<Finding>* findings) {
  const auto file = tree.files().find(path);
  if (file == tree.files().end() || !IsCpp(path)) return;
  const std::string& content = file->second;
  const auto lines = std::count(content.begin(), content.end(), '\n');
  if (lines < kLongSource || HasTestOfItsName(tree, path) ||
      NamesATest(tree, path, content) || HeaderNamesATest(tree, path)) {
    return;
  }
  findings->push_back({path, 1,
                       absl::StrCat("has ", lines, " lines and no test: write ",
                                    WithoutEnding(path), "_test.cc, or say \"",
                                    kMark, "PATH\" in a comment")});
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
          if (seen.insert(path).second) CheckFile(tree, path, &findings);
        }
      }
    }
  }
  return findings;
}

}  // namespace tools::lint
