#include "tools/cut_clips/video_folder.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "networks/files/path_parts.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace tools {
namespace {

// Whether the file begins like pictures that move, which have the endings of
// stills.
absl::StatusOr<bool> IsAnimated(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string head,
                   pipelines::media::ReadImageHead(path));
  return pipelines::media::LooksLikeMovingImage(head);
}

}  // namespace

absl::StatusOr<bool> IsVideo(const std::string& folder,
                             const std::string& name) {
  static const auto* const kEndings = new std::set<std::string>{
      ".3gp", ".avi",  ".flv", ".gif", ".m2ts", ".m4v", ".mkv",  ".mov",
      ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",  ".ts",  ".webm", ".wmv"};
  static const auto* const kPictures =
      new std::set<std::string>{".apng", ".png", ".webp"};
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  const std::string ending = absl::AsciiStrToLower(name.substr(dot));
  if (kPictures->count(ending) == 0) return kEndings->count(ending) > 0;
  return IsAnimated(absl::StrCat(folder, "/", name));
}

absl::StatusOr<std::string> FindVideo(const std::string& folder,
                                      const std::string& file,
                                      const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), file) != names.end()) {
    return absl::StrCat(folder, "/", file);
  }
  std::string found;
  for (const std::string& name : names) {
    if (networks::files::Stem(name) != file) continue;
    ASSIGN_OR_RETURN(const bool is_video, IsVideo(folder, name));
    if (!is_video) continue;
    if (!found.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(folder, ": ", file, " may be ", found, " or ", name,
                       "; write its ending, too"));
    }
    found = name;
  }
  return absl::StrCat(folder, "/", found.empty() ? file : found);
}

}  // namespace tools
