#include "tools/cut_clips/whole_videos.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/path_parts.h"
#include "pipelines/media/frame_source.h"
#include "third_party/absl/status_macros.h"
#include "tools/cut_clips/video_folder.h"

namespace tools {
namespace {

using networks::files::Stem;

constexpr double kToTheEnd = std::numeric_limits<double>::infinity();

ClipSpec Clip(const std::string& file, const std::string& start,
              const std::string& end, const char* partition) {
  ClipSpec spec;
  spec.file = file;
  spec.end = kToTheEnd;
  spec.name = ClipName(file, start, end);
  spec.partition = partition;
  return spec;
}

// In whole milliseconds, so that names stay short.
absl::StatusOr<double> PartingTime(const std::string& folder,
                                   const std::string& file) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<pipelines::media::FrameSource> source,
      pipelines::media::OpenFrameSource(absl::StrCat(folder, "/", file)));
  // One that is damaged fails when it is cut.
  if (!source->info().duration) source->Count().IgnoreError();
  const double seconds = source->info().duration.value_or(0);
  if (seconds > 0) return std::round(1000 * (1 - kTestShare) * seconds) / 1000;
  return absl::InvalidArgumentError(absl::StrCat(
      folder, "/", file,
      ": does not say how long it is, so that no part of it can be kept back; "
      "keep whole videos back with --test, or state times in a --list"));
}

absl::Status AddParted(const std::string& folder, const std::string& file,
                       std::vector<ClipSpec>* specs) {
  ASSIGN_OR_RETURN(const double seconds, PartingTime(folder, file));
  const std::string time = absl::StrFormat("%.3f", seconds);
  ClipSpec train = Clip(file, "", time, "train");
  ClipSpec test = Clip(file, time, "", "test");
  train.end = test.start = seconds;
  specs->push_back(std::move(train));
  specs->push_back(std::move(test));
  return absl::OkStatus();
}

// Whether `test` names `file`, which is struck off the names still to be found.
bool IsKeptBack(const std::string& file, const std::vector<std::string>& test,
                std::set<std::string>* missing) {
  bool is_named = false;
  for (const std::string& name : {file, Stem(file)}) {
    if (std::find(test.begin(), test.end(), name) == test.end()) continue;
    missing->erase(name);
    is_named = true;
  }
  return is_named;
}

}  // namespace

absl::StatusOr<WholeVideos> ClipsOfVideos(
    const std::string& folder, const std::vector<std::string>& names,
    const std::vector<std::string>& test) {
  WholeVideos videos;
  std::set<std::string> missing(test.begin(), test.end());
  std::set<std::string> stems;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const bool is_video, IsVideo(folder, name));
    if (!is_video) {
      videos.skipped.push_back(name);
      continue;
    }
    if (name[0] == '.') {
      return absl::InvalidArgumentError(absl::StrCat(
          folder, "/", name,
          ": its name begins with a dot, and clips of such names are not "
          "found; rename it"));
    }
    if (!stems.insert(Stem(name)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(folder, ": two videos are named ", Stem(name),
                       " but for their endings; rename one"));
    }
    const bool is_test = IsKeptBack(name, test, &missing);
    if (test.empty()) {
      RETURN_IF_ERROR(AddParted(folder, name, &videos.specs));
    } else {
      videos.specs.push_back(Clip(name, "", "", is_test ? "test" : "train"));
    }
  }
  if (videos.specs.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        names.size() == 1 ? absl::StrCat(folder, "/", names[0], ": is no video")
                          : absl::StrCat(folder, ": holds no videos"),
        " (mp4, mov, avi, mkv, webm, gif, moving webp and others)"));
  }
  videos.missing.assign(missing.begin(), missing.end());
  return videos;
}

}  // namespace tools
