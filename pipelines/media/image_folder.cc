#include "pipelines/media/image_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/file_io.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {

absl::StatusOr<SourceKind> DetectSourceKind(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  if (S_ISDIR(info.st_mode)) return SourceKind::kFolder;
  if (!S_ISREG(info.st_mode)) return SourceKind::kVideo;  // a device, a pipe
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, path);
  std::string head(16, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  if (head.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  }
  return LooksLikeImage(head) ? SourceKind::kImage : SourceKind::kVideo;
}

absl::StatusOr<std::vector<std::string>> ListFrameFiles(
    const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (!IsSidecar(name)) files.push_back(absl::StrCat(folder, "/", name));
  }
  if (files.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": the folder holds no frames"));
  }
  return files;
}

bool IsSidecar(const std::string& name) {
  for (const char* ending : {".csv", ".json", ".md", ".npy", ".npz", ".pkl",
                             ".txt", ".xml", ".yaml", ".yml"}) {
    if (absl::EndsWithIgnoreCase(name, ending)) return true;
  }
  return false;
}

absl::StatusOr<int> CountStackedFrames(cv::Size row, int min_frames,
                                       const std::string& path) {
  if (row.width % row.height != 0) return 1;
  const int count = row.width / row.height;
  if (count < min_frames) return 1;
  if (count == 1 || row.height >= kMinStackedSide) return count;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": a row of ", count, " frames of ", row.height, "x",
                   row.height, " pixels; frames must have at least ",
                   kMinStackedSide, "x", kMinStackedSide));
}

}  // namespace pipelines::data
