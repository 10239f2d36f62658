// What is known of an upload after it was decoded once.
#ifndef TOOLS_STUDIO_JOBS_MEDIA_FACTS_H_
#define TOOLS_STUDIO_JOBS_MEDIA_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace studio {

enum class MediaKind {
  kImage,   // a still
  kVideo,   // frames that drive a still
  kMotion,  // a motion file (pipelines/animation/motion_file.h)
};

// "image", "video", "motion". InvalidArgument for anything else.
absl::StatusOr<MediaKind> ParseMediaKind(absl::string_view name);
absl::string_view MediaKindName(MediaKind kind);

// As messages call a file of this kind: "the picture", "the video", "the motion
// file".
const char* MediaNoun(MediaKind kind);

struct MediaFacts {
  MediaKind kind = MediaKind::kImage;
  // Of each frame, upright, in pixels. 0 for a motion file that does not say.
  int width = 0;
  int height = 0;
  int64_t frames = 1;
  double fps = 0;      // average; 0 for a still
  double seconds = 0;  // 0 for a still
  bool sound = false;
  // For the user: what is read, but not as it should be seen. One sentence
  // each.
  std::vector<std::string> warnings;
};

// {"kind","width","height","frames","fps","seconds","sound","warnings"}
nlohmann::json FactsToJson(const MediaFacts& facts);

// The reverse, which trusts nothing: InvalidArgument for a field that is
// missing, of another type or out of range.
absl::StatusOr<MediaFacts> FactsFromJson(const nlohmann::json& json);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_MEDIA_FACTS_H_
