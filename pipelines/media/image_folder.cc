#include "pipelines/media/image_folder.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {

VideoInfo ImageSequenceInfo(cv::Size size, int64_t num_frames, Rational rate) {
  VideoInfo info;
  info.width = size.width;
  info.height = size.height;
  info.frame_rate = rate;
  info.time_base = {rate.den, rate.num};
  info.num_frames = num_frames;
  info.duration = static_cast<double>(num_frames) / rate.value();
  return info;
}

absl::StatusOr<std::vector<std::string>> ListFrameFiles(
    const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   networks::files::ListFolder(folder));
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
  for (const char* of_system :
       {"thumbs.db", "ehthumbs.db", "desktop.ini", "__MACOSX", "@eaDir"}) {
    if (absl::EqualsIgnoreCase(name, of_system)) return true;
  }
  return false;
}

}  // namespace pipelines::media
