// Tested by frame_source_test.cc and pipelines/animation/animate_batch_test.cc.
#include "pipelines/media/image_folder.h"

#include <filesystem>
#include <initializer_list>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

namespace fs = std::filesystem;

bool HasEnding(const std::string& name,
               std::initializer_list<const char*> endings) {
  for (const char* ending : endings) {
    if (absl::EndsWithIgnoreCase(name, ending)) return true;
  }
  return false;
}

// Of what its name says to be a picture, what is wrong is said where it is
// opened: a frame that is damaged is not left out. A pipe is not opened.
bool IsFrameFile(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status) || fs::is_other(status)) return false;
  if (HasPictureEnding(path)) return true;
  if (!fs::exists(status)) return false;  // a link to nothing
  const absl::StatusOr<std::string> head = ReadImageHead(path);
  return !head.ok() || LooksLikeImage(*head);
}

}  // namespace

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
  std::vector<std::string> files, others;
  for (const std::string& name : names) {
    if (IsSidecar(name)) continue;
    const std::string path = fs::path(folder) / name;
    (IsFrameFile(path) ? files : others).push_back(path);
  }
  if (!files.empty()) return files;
  return absl::InvalidArgumentError(
      others.empty()
          ? absl::StrCat(folder, ": the folder holds no frames")
          : absl::StrCat(folder, ": the folder holds no frames; ", others[0],
                         " is not an image; a folder is read as the frames of "
                         "one video"));
}

bool HasPictureEnding(const std::string& name) {
  return HasEnding(name, {".apng", ".avif", ".bmp", ".dib",  ".gif",  ".hdr",
                          ".heic", ".heif", ".j2k", ".jfif", ".jp2",  ".jpe",
                          ".jpeg", ".jpg",  ".pbm", ".pgm",  ".png",  ".pnm",
                          ".ppm",  ".ras",  ".svg", ".tif",  ".tiff", ".webp"});
}

bool HasVideoEnding(const std::string& name) {
  return HasEnding(name,
                   {".3gp", ".asf", ".avi", ".dv",   ".flv", ".m2ts", ".m4v",
                    ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",  ".mxf",
                    ".ogv", ".ts",  ".vob", ".webm", ".wmv", ".y4m"});
}

bool IsSidecar(const std::string& name) {
  if (HasEnding(name, {".csv", ".json", ".md", ".npy", ".npz", ".pkl", ".txt",
                       ".xml", ".yaml", ".yml"})) {
    return true;
  }
  for (const char* of_system :
       {"thumbs.db", "ehthumbs.db", "desktop.ini", "__MACOSX", "@eaDir"}) {
    if (absl::EqualsIgnoreCase(name, of_system)) return true;
  }
  return false;
}

}  // namespace pipelines::media
