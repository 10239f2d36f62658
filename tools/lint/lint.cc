// Checks links, paths, commands and BUILD files of the source tree.
//
//   lint ROOT < PATHS
//
// PATHS are the tree's files, one a line, relative to ROOT. Prints what it
// finds, a line each; exit code 1 if that is anything, 2 if a file cannot be
// read.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "third_party/absl/status_macros.h"
#include "tools/lint/citations.h"
#include "tools/lint/commands.h"
#include "tools/lint/deps.h"
#include "tools/lint/folder_order.h"
#include "tools/lint/header_names.h"
#include "tools/lint/includes.h"
#include "tools/lint/own_tests.h"
#include "tools/lint/paths.h"
#include "tools/lint/sorted_lists.h"
#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"
#include "tools/lint/test_data.h"
#include "tools/lint/visibility.h"

namespace tools::lint {
namespace {

absl::StatusOr<std::vector<Finding>> CheckTree(
    const std::string& root, const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const SourceTree tree, ReadSourceTree(root, paths));
  ASSIGN_OR_RETURN(const Targets targets, Targets::Read(tree));
  std::vector<Finding> findings;
  const auto add = [&findings](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  add(CheckLinks(tree));
  add(CheckPaths(tree));
  add(CheckCitations(tree));
  add(CheckLabels(tree, targets));
  add(CheckFlags(tree, targets));
  add(CheckDeps(tree, targets));
  add(CheckFolderOrder(tree, targets));
  add(CheckVisibility(tree, targets));
  add(CheckTestData(tree));
  add(CheckOwnTests(tree, targets));
  add(CheckHeaderNames(tree));
  add(CheckIncludes(tree));
  for (const auto& [path, rules] : targets.rules()) {
    add(CheckSortedLists(path, rules));
  }
  return findings;
}

int Main(const std::string& root) {
  std::vector<std::string> paths;
  for (std::string path; std::getline(std::cin, path);) paths.push_back(path);
  const absl::StatusOr<std::vector<Finding>> findings = CheckTree(root, paths);
  if (!findings.ok()) {
    std::fprintf(stderr, "lint: error: %s\n",
                 std::string(findings.status().message()).c_str());
    return 2;
  }
  for (const Finding& finding : *findings) {
    std::printf("%s\n", FindingText(finding).c_str());
  }
  std::printf("%zu files, %zu findings\n", paths.size(), findings->size());
  return findings->empty() ? 0 : 1;
}

}  // namespace
}  // namespace tools::lint

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: lint ROOT < PATHS\n");
    return 2;
  }
  return tools::lint::Main(argv[1]);
}
