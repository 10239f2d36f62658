#include "tools/studio/jobs/media_facts.h"

#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxSide = int64_t{1} << 16;
constexpr int64_t kMaxFrames = int64_t{1} << 40;
constexpr double kMaxNumber = 1e9;
constexpr size_t kMaxWarnings = 100;
constexpr size_t kMaxWarning = 2000;  // bytes

constexpr struct {
  MediaKind kind;
  const char* name;
} kKinds[] = {{MediaKind::kImage, "image"},
              {MediaKind::kVideo, "video"},
              {MediaKind::kMotion, "motion"}};

absl::Status Bad(const char* field) {
  return absl::InvalidArgumentError(
      absl::StrCat("the decoder's answer has no good '", field, "'"));
}

// 0 to `limit`.
template <typename T>
absl::Status ReadCount(const Json& json, const char* field, int64_t limit,
                       T* value) {
  const auto found = json.find(field);
  // Unsigned is what the parser takes from a text without a minus.
  const bool is_count =
      found != json.end() && found->is_number_integer() &&
      (found->is_number_unsigned() || found->get<int64_t>() >= 0) &&
      found->get<uint64_t>() <= static_cast<uint64_t>(limit);
  if (!is_count) return Bad(field);
  *value = found->get<T>();
  return absl::OkStatus();
}

absl::Status ReadNumber(const Json& json, const char* field, double* value) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_number()) return Bad(field);
  *value = found->get<double>();
  return *value >= 0 && *value <= kMaxNumber ? absl::OkStatus() : Bad(field);
}

// At most `limit` bytes of UTF-8, the last character whole: JSON is not written
// of half a one.
std::string Shortened(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  constexpr int kMarks = 0xC0, kContinues = 0x80;
  while (limit > 0 && (text[limit] & kMarks) == kContinues) --limit;
  text.resize(limit);
  return text;
}

absl::Status ReadWarnings(const Json& json,
                          std::vector<std::string>* warnings) {
  const auto found = json.find("warnings");
  if (found == json.end() || !found->is_array() ||
      found->size() > kMaxWarnings) {
    return Bad("warnings");
  }
  for (const Json& warning : *found) {
    if (!warning.is_string()) return Bad("warnings");
    warnings->push_back(Shortened(warning.get<std::string>(), kMaxWarning));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MediaKind> ParseMediaKind(absl::string_view name) {
  for (const auto& [kind, kind_name] : kKinds) {
    if (name == kind_name) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("kind is '", name, "'; use image, video or motion"));
}

absl::string_view MediaKindName(MediaKind kind) {
  for (const auto& [other, name] : kKinds) {
    if (kind == other) return name;
  }
  return "";
}

const char* MediaNoun(MediaKind kind) {
  switch (kind) {
    case MediaKind::kImage:
      return "the picture";
    case MediaKind::kVideo:
      return "the video";
    case MediaKind::kMotion:
      return "the motion file";
  }
  return "the file";
}

Json FactsToJson(const MediaFacts& facts) {
  return {{"kind", std::string(MediaKindName(facts.kind))},
          {"width", facts.width},
          {"height", facts.height},
          {"frames", facts.frames},
          {"fps", facts.fps},
          {"seconds", facts.seconds},
          {"sound", facts.sound},
          {"warnings", facts.warnings}};
}

absl::StatusOr<MediaFacts> FactsFromJson(const Json& json) {
  if (!json.is_object()) return Bad("object");
  MediaFacts facts;
  const auto kind = json.find("kind");
  if (kind == json.end() || !kind->is_string()) return Bad("kind");
  const absl::StatusOr<MediaKind> parsed =
      ParseMediaKind(kind->get<std::string>());
  if (!parsed.ok()) return Bad("kind");
  facts.kind = *parsed;
  RETURN_IF_ERROR(ReadCount(json, "width", kMaxSide, &facts.width));
  RETURN_IF_ERROR(ReadCount(json, "height", kMaxSide, &facts.height));
  RETURN_IF_ERROR(ReadCount(json, "frames", kMaxFrames, &facts.frames));
  RETURN_IF_ERROR(ReadNumber(json, "fps", &facts.fps));
  RETURN_IF_ERROR(ReadNumber(json, "seconds", &facts.seconds));
  const auto sound = json.find("sound");
  if (sound == json.end() || !sound->is_boolean()) return Bad("sound");
  facts.sound = sound->get<bool>();
  RETURN_IF_ERROR(ReadWarnings(json, &facts.warnings));
  return facts;
}

}  // namespace studio
