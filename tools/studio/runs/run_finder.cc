// Tested by run_reader_test.cc.
#include "tools/studio/runs/run_finder.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/path_parts.h"
#include "networks/weights/sha256.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

constexpr size_t kMaxDepth = 3;
constexpr size_t kMaxRuns = 500;
constexpr int kMaxFolders = 5000;
constexpr int kMaxNames = 2000;  // of one folder

bool IsRun(const SafeFolder& folder) {
  return folder.HasFile("losses.csv") || (folder.HasFile("config.textproto") &&
                                          folder.Enter("checkpoints").ok());
}

class Search {
 public:
  void Visit(const SafeFolder& folder, const RunPath& path) {
    if (runs_.size() >= kMaxRuns || ++num_folders_ > kMaxFolders) return;
    if (IsRun(folder)) {
      runs_.push_back(path);
      return;
    }
    if (path.size() == kMaxDepth) return;
    const auto names = folder.Names(kMaxNames);
    if (!names.ok()) return;
    // The last names are most often of the newest runs, which must not be those
    // that are left out.
    for (auto name = names->rbegin(); name != names->rend(); ++name) {
      const absl::StatusOr<SafeFolder> next = folder.Enter(*name);
      if (!next.ok()) continue;  // a file, a link, or not ours to read
      RunPath next_path = path;
      next_path.push_back(*name);
      Visit(*next, next_path);
    }
  }

  std::vector<RunPath> TakeRuns() { return std::move(runs_); }

 private:
  std::vector<RunPath> runs_;
  int num_folders_ = 0;
};

}  // namespace

std::string NameOfRun(const std::string& root, const RunPath& path) {
  return path.empty() ? networks::files::BaseName(root)
                      : absl::StrJoin(path, "/");
}

std::string IdOfRun(const RunPath& path) {
  constexpr size_t kBytes = 16;
  networks::weights::Sha256 hash;
  hash.Add(absl::StrCat("run:", absl::StrJoin(path, "/")));
  return absl::WebSafeBase64Escape(hash.Finish().substr(0, kBytes));
}

absl::StatusOr<std::vector<RunPath>> FindRuns(const std::string& root) {
  const absl::StatusOr<SafeFolder> folder = SafeFolder::Open(root);
  if (absl::IsNotFound(folder.status())) return std::vector<RunPath>();
  RETURN_IF_ERROR(folder.status());
  Search search;
  search.Visit(*folder, {});
  return search.TakeRuns();
}

absl::StatusOr<SafeFolder> OpenRun(const std::string& root,
                                   const RunPath& path) {
  ASSIGN_OR_RETURN(SafeFolder folder, SafeFolder::Open(root));
  for (const std::string& name : path) {
    ASSIGN_OR_RETURN(folder, folder.Enter(name));
  }
  if (!IsRun(folder)) {
    return absl::NotFoundError(
        absl::StrCat(NameOfRun(root, path), ": is no run any more"));
  }
  return folder;
}

absl::StatusOr<RunPath> FindRun(const std::string& root, absl::string_view id) {
  ASSIGN_OR_RETURN(const std::vector<RunPath> runs, FindRuns(root));
  for (const RunPath& run : runs) {
    if (IdOfRun(run) == id) return run;
  }
  return absl::NotFoundError("there is no run with this id; list the runs");
}

}  // namespace studio
