#include "pipelines/animation/motion_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "networks/files/read_file.h"
#include "networks/weights/safetensors_header.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::SafetensorsEntry;
using networks::weights::SafetensorsField;
using networks::weights::SafetensorsHeader;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "tensors are stored as they lie in memory, little-endian");

constexpr char kFormat[] = "cpab-motion";
constexpr int kVersion = 1;
constexpr size_t kFingerprintDigits = 64;

// Half sides of the picture. What is farther away is a mistake, and its squares
// would soon leave the range of float32.
constexpr float kMaxCoordinate = 100;

// 317 years from 0, for recordings whose times count from 1970; and, in any
// unit, what of a sum does not overflow.
constexpr double kMaxSeconds = 1e10;
constexpr double kMaxTime = int64_t{1} << 60;

constexpr int64_t kMaxBytes = int64_t{1} << 30;  // 30 hours of 10 sets at 25/s

// Of a frame at the constant rate, in units of the time base, if whole.
std::optional<int64_t> FramePeriod(const RecordedMotion& motion) {
  const int64_t seconds = int64_t{motion.frame_rate.den} * motion.time_base.den;
  const int64_t units = int64_t{motion.frame_rate.num} * motion.time_base.num;
  if (seconds % units != 0) return std::nullopt;
  return seconds / units;
}

std::string ToText(media::Rational value) {
  return absl::StrCat(value.num, "/", value.den);
}

// One file, read into a RecordedMotion.
class MotionReader {
 public:
  MotionReader(const std::string& path, const std::string& bytes,
               SafetensorsHeader header)
      : path_(path), bytes_(bytes), header_(std::move(header)) {}

  absl::StatusOr<RecordedMotion> Read() {
    RETURN_IF_ERROR(CheckFormat());
    RETURN_IF_ERROR(ReadMetadata());
    RETURN_IF_ERROR(ReadKeypoints());
    RETURN_IF_ERROR(ReadTimes());
    RETURN_IF_ERROR(ReadDurations());
    return std::move(motion_);
  }

 private:
  template <typename... Pieces>
  absl::Status Bad(const Pieces&... pieces) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", pieces...));
  }

  // Empty where the file does not state it.
  std::string Metadata(const std::string& key) const {
    const auto found = header_.metadata.find(key);
    return found == header_.metadata.end() ? "" : found->second;
  }

  absl::Status CheckFormat() const {
    if (Metadata("format") != kFormat) {
      return Bad("is no motion file: its metadata has no format '", kFormat,
                 "'; use one that was recorded from a video");
    }
    int version = 0;
    if (!absl::SimpleAtoi(Metadata("version"), &version) || version < 1) {
      return Bad("the version is '", Metadata("version"), "'; use '", kVersion,
                 "'");
    }
    if (version <= kVersion) return absl::OkStatus();
    return Bad("is a motion file of version ", version,
               "; this program reads up to ", kVersion);
  }

  absl::Status ReadRational(const std::string& key, media::Rational* value) {
    const std::string text = Metadata(key);
    if (text.empty()) return absl::OkStatus();
    const std::optional<media::Rational> parsed = media::ParseRational(text);
    if (!parsed) {
      return Bad(key, " is '", text,
                 "'; use a fraction of whole numbers above 0, as 30000/1001");
    }
    *value = *parsed;
    return absl::OkStatus();
  }

  absl::Status ReadMetadata() {
    RETURN_IF_ERROR(ReadRational("frame_rate", &motion_.frame_rate));
    motion_.time_base = {motion_.frame_rate.den, motion_.frame_rate.num};
    RETURN_IF_ERROR(ReadRational("time_base", &motion_.time_base));
    period_ = FramePeriod(motion_);
    for (const auto& [key, side] :
         {std::pair<const char*, int*>{"width", &motion_.picture_size.width},
          {"height", &motion_.picture_size.height}}) {
      const std::string text = Metadata(key);
      if (!text.empty() && (!absl::SimpleAtoi(text, side) || *side < 0)) {
        return Bad(key, " is '", text, "'; use a whole number of pixels");
      }
    }
    motion_.detector = absl::AsciiStrToLower(Metadata("detector"));
    const bool is_fingerprint =
        motion_.detector.size() == kFingerprintDigits &&
        std::all_of(motion_.detector.begin(), motion_.detector.end(),
                    absl::ascii_isxdigit);
    if (motion_.detector.empty() || is_fingerprint) return absl::OkStatus();
    return Bad("detector is '", motion_.detector.substr(0, 80), "'; use the ",
               kFingerprintDigits,
               " hexadecimal digits of a recorded motion, or leave it out");
  }

  const SafetensorsEntry* Find(const std::string& name) const {
    const auto found = header_.tensors.find(name);
    return found == header_.tensors.end() ? nullptr : &found->second;
  }

  template <typename T>
  std::vector<T> Values(const SafetensorsEntry& entry) const {
    std::vector<T> values((entry.end - entry.begin) / sizeof(T));
    std::memcpy(values.data(), bytes_.data() + entry.begin,
                values.size() * sizeof(T));
    return values;
  }

  absl::Status ReadKeypoints() {
    const SafetensorsEntry* const entry = Find("keypoints");
    if (entry == nullptr) {
      return Bad("has no tensor 'keypoints' [frames, sets, keypoints, 2]");
    }
    const std::vector<int64_t>& shape = entry->shape;
    constexpr int64_t kMax = std::numeric_limits<int>::max();
    if (shape.size() != 4 || shape[3] != 2 || shape[1] < 1 || shape[2] < 1 ||
        shape[1] > kMax || shape[2] > kMax) {
      return Bad("keypoints have the shape [", absl::StrJoin(shape, ", "),
                 "]; it must be [frames, sets, keypoints of a set, 2]");
    }
    if (shape[0] == 0) return Bad("holds no frame");
    motion_.num_sets = static_cast<int>(shape[1]);
    motion_.keypoints_per_set = static_cast<int>(shape[2]);
    num_frames_ = shape[0];
    if (entry->dtype == "F32") {
      motion_.keypoints = Values<float>(*entry);
    } else if (entry->dtype == "F64") {
      const std::vector<double> values = Values<double>(*entry);
      motion_.keypoints.assign(values.begin(), values.end());
    } else {
      return Bad("keypoints have the type ", entry->dtype,
                 "; use F32 (numpy.float32)");
    }
    return CheckKeypoints();
  }

  absl::Status CheckKeypoints() const {
    for (size_t i = 0; i < motion_.keypoints.size(); ++i) {
      const float value = motion_.keypoints[i];
      if (std::abs(value) <= kMaxCoordinate) continue;  // not for a NaN
      const int64_t of_frame = static_cast<int64_t>(i) % motion_.frame_values();
      const int64_t of_set = int64_t{2} * motion_.keypoints_per_set;
      return Bad("frame ", static_cast<int64_t>(i) / motion_.frame_values(),
                 ", keypoint set ", of_frame / of_set + 1,
                 ": a keypoint is at ", value,
                 "; the picture is from -1 to 1, and at most ", kMaxCoordinate,
                 " is accepted");
    }
    return absl::OkStatus();
  }

  // The numbers of each frame in the tensor `name`.
  absl::StatusOr<std::vector<int64_t>> ReadNumbers(
      const std::string& name, const SafetensorsEntry& entry) const {
    if (entry.dtype != "I64") {
      return Bad(name, " have the type ", entry.dtype,
                 "; use I64 (numpy.int64), in units of time_base");
    }
    if (entry.shape != std::vector<int64_t>{num_frames_}) {
      return Bad(name, " have the shape [", absl::StrJoin(entry.shape, ", "),
                 "]; it must be [", num_frames_, "], a number for each frame");
    }
    std::vector<int64_t> values = Values<int64_t>(entry);
    RETURN_IF_ERROR(CheckLimit(name, values));
    return values;
  }

  // In units of the time base.
  double Limit() const {
    return std::min(kMaxSeconds / motion_.time_base.value(), kMaxTime);
  }

  absl::Status CheckLimit(const std::string& name,
                          const std::vector<int64_t>& values) const {
    for (const int64_t value : values) {
      if (std::abs(static_cast<double>(value)) <= Limit()) continue;
      return Bad(name, " hold ", value, ", in units of ",
                 ToText(motion_.time_base), " s; at most ",
                 Limit() * motion_.time_base.value(), " s are accepted");
    }
    return absl::OkStatus();
  }

  absl::Status ReadTimes() {
    const SafetensorsEntry* const entry = Find("times");
    if (entry == nullptr) {
      if (!period_) {
        return Bad("has no times, and a frame of ", ToText(motion_.frame_rate),
                   " a second does not last a whole number of units of ",
                   ToText(motion_.time_base), " s; leave out time_base, too");
      }
      const auto frames = static_cast<double>(num_frames_);
      if (frames * static_cast<double>(*period_) > Limit()) {
        return Bad(num_frames_, " frames of ", ToText(motion_.frame_rate),
                   " a second last too long; at most ",
                   Limit() * motion_.time_base.value(), " s are accepted");
      }
      for (int64_t i = 0; i < num_frames_; ++i) {
        motion_.times.push_back(i * *period_);
      }
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(motion_.times, ReadNumbers("times", *entry));
    for (size_t i = 1; i < motion_.times.size(); ++i) {
      if (motion_.times[i] > motion_.times[i - 1]) continue;
      return Bad("the times of the frames must rise; frame ", i, " has ",
                 motion_.times[i], " after ", motion_.times[i - 1]);
    }
    return absl::OkStatus();
  }

  absl::Status ReadDurations() {
    const SafetensorsEntry* const entry = Find("durations");
    if (entry == nullptr) {
      const std::vector<int64_t>& times = motion_.times;
      for (size_t i = 1; i < times.size(); ++i) {
        motion_.durations.push_back(times[i] - times[i - 1]);
      }
      motion_.durations.push_back(times.size() > 1 ? motion_.durations.back()
                                                   : period_.value_or(1));
      return CheckLimit("durations, which follow from the times,",
                        motion_.durations);
    }
    ASSIGN_OR_RETURN(motion_.durations, ReadNumbers("durations", *entry));
    for (const int64_t duration : motion_.durations) {
      if (duration < 0)
        return Bad("a frame lasts ", duration, "; use 0 or more");
    }
    return absl::OkStatus();
  }

  const std::string& path_;
  const std::string& bytes_;
  SafetensorsHeader header_;
  RecordedMotion motion_;
  int64_t num_frames_ = 0;
  std::optional<int64_t> period_;  // of a frame, where units of it are whole
};

std::map<std::string, std::string> MetadataOf(const RecordedMotion& motion) {
  std::map<std::string, std::string> metadata = {
      {"format", kFormat},
      {"version", absl::StrCat(kVersion)},
      {"frame_rate", ToText(motion.frame_rate)},
      {"time_base", ToText(motion.time_base)}};
  if (!motion.picture_size.empty()) {
    metadata["width"] = absl::StrCat(motion.picture_size.width);
    metadata["height"] = absl::StrCat(motion.picture_size.height);
  }
  if (!motion.detector.empty()) metadata["detector"] = motion.detector;
  return metadata;
}

template <typename T>
absl::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(T)};
}

}  // namespace

bool IsMotionFile(const std::string& path) {
  if (absl::EndsWithIgnoreCase(path, ".safetensors")) return true;
  // A pipe cannot be read twice.
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  networks::files::ReadOptions options;
  options.first_bytes = 10;
  const absl::StatusOr<std::string> head =
      networks::files::ReadFile(path, options);
  // The length of the header, which has at most 8 digits, and its beginning.
  return head.ok() && head->size() == 10 && head->substr(8) == "{\"" &&
         head->substr(4, 4) == std::string(4, '\0');
}

absl::StatusOr<RecordedMotion> ReadMotionFile(
    const std::string& path, const std::function<bool()>& stop) {
  networks::files::ReadOptions options;
  options.stop = stop;
  options.max_bytes = kMaxBytes;
  ASSIGN_OR_RETURN(const std::string bytes,
                   networks::files::ReadNonEmptyFile(path, options));
  return ParseMotionFile(bytes, path);
}

absl::StatusOr<RecordedMotion> ParseMotionFile(const std::string& bytes,
                                               const std::string& name) {
  ASSIGN_OR_RETURN(SafetensorsHeader header,
                   networks::weights::ParseSafetensorsHeader(bytes, name));
  return MotionReader(name, bytes, std::move(header)).Read();
}

absl::StatusOr<MotionFileWriter> MotionFileWriter::Create(
    const std::string& path, RecordedMotion motion,
    const networks::files::OutputOptions& options) {
  ASSIGN_OR_RETURN(networks::files::AtomicFile file,
                   networks::files::AtomicFile::Create(path, options));
  return MotionFileWriter(std::move(file), std::move(motion));
}

void MotionFileWriter::Add(const float* keypoints, int64_t time,
                           int64_t duration) {
  motion_.keypoints.insert(motion_.keypoints.end(), keypoints,
                           keypoints + motion_.frame_values());
  motion_.times.push_back(time);
  motion_.durations.push_back(duration);
}

absl::Status MotionFileWriter::Finish() {
  const int64_t frames = motion_.num_frames();
  if (frames == 0) {
    return absl::FailedPreconditionError(file_.path() +
                                         ": no frame was recorded");
  }
  // Those of eight bytes first, so that each lies at a multiple of its size.
  const std::vector<SafetensorsField> fields = {
      {"durations", "I64", {frames}, uint64_t(frames) * sizeof(int64_t)},
      {"times", "I64", {frames}, uint64_t(frames) * sizeof(int64_t)},
      {"keypoints",
       "F32",
       {frames, motion_.num_sets, motion_.keypoints_per_set, 2},
       motion_.keypoints.size() * sizeof(float)}};
  ASSIGN_OR_RETURN(
      const std::string header,
      networks::weights::FormatSafetensorsHeader(fields, MetadataOf(motion_)));
  RETURN_IF_ERROR(file_.Append(header));
  RETURN_IF_ERROR(file_.Append(BytesOf(motion_.durations)));
  RETURN_IF_ERROR(file_.Append(BytesOf(motion_.times)));
  RETURN_IF_ERROR(file_.Append(BytesOf(motion_.keypoints)));
  return file_.Commit();
}

}  // namespace pipelines
