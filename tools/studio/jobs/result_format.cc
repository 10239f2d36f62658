#include "tools/studio/jobs/result_format.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace studio {

const std::vector<ResultFormat>& ResultFormats() {
  static const auto* const formats = new std::vector<ResultFormat>{
      {"mp4", "result.mp4", "video/mp4", ".mp4", false},
      {"gif", "result.gif", "image/gif", ".gif", false},
      {"webm", "result.webm", "video/webm", ".webm", false},
      {"png", "result.zip", "application/zip", ".zip", false},
      {"motion", "motion.safetensors", "application/octet-stream",
       ".motion.safetensors", true},
  };
  return *formats;
}

const ResultFormat* FindResultFormat(absl::string_view name) {
  const std::vector<ResultFormat>& formats = ResultFormats();
  const auto found = std::find_if(
      formats.begin(), formats.end(),
      [name](const ResultFormat& format) { return format.name == name; });
  return found == formats.end() ? nullptr : &*found;
}

std::vector<std::string> ResultFormatNames(bool is_motion) {
  std::vector<std::string> names;
  for (const ResultFormat& format : ResultFormats()) {
    if (format.is_of_motion == is_motion) names.emplace_back(format.name);
  }
  return names;
}

std::string DownloadName(absl::string_view id, const ResultFormat& format) {
  return absl::StrCat("studio-", id.substr(0, 8), format.ending);
}

std::string WorkerResultFile(bool is_motion) {
  const std::string name = ResultFormatNames(is_motion).front();
  return std::string(FindResultFormat(name)->file);
}

}  // namespace studio
