#include "pipelines/evaluation/detections.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "pipelines/media/csv.h"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/npy.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

// file_name and frame_number.
constexpr size_t kKeyColumns = 2;

absl::Status Invalid(const std::string& place, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
}

bool HasKnownEnding(const std::string& name) {
  return media::HasPictureEnding(name) || media::HasVideoEnding(name) ||
         absl::EndsWithIgnoreCase(name, ".npy");
}

// Other dots belong to the name: cut_clips names clips "talk#8.000-end". There
// may be several endings, as of "07.mp4.png".
std::string ClipName(const std::string& file) {
  std::string name = networks::files::BaseName(file);
  while (HasKnownEnding(name)) name.resize(name.rfind('.'));
  return name;
}

absl::Status CheckHeader(const media::CsvRow& header, DetectionKind kind,
                         const std::string& path) {
  const std::vector<std::string>& names = header.fields;
  if (names.size() <= kKeyColumns || names[0] != "file_name" ||
      names[1] != "frame_number") {
    return Invalid(absl::StrCat(path, ":", header.line),
                   absl::StrCat("the columns are '",
                                absl::StrJoin(names, ",").substr(0, 60),
                                "'; they must be file_name,frame_number and "
                                "then the values"));
  }
  if (kind == DetectionKind::kKeypoints && names.size() % 2 != 0) {
    return Invalid(absl::StrCat(path, ":", header.line),
                   absl::StrCat("there are ", names.size() - kKeyColumns,
                                " columns of values; keypoints have two each"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<double>> ParseValues(const media::CsvRow& row,
                                                DetectionKind kind,
                                                const std::string& place) {
  std::vector<double> values;
  for (size_t i = kKeyColumns; i < row.fields.size(); ++i) {
    double value = kMissingKeypoint;
    const bool missing =
        kind == DetectionKind::kKeypoints && row.fields[i].empty();
    if (!missing && !absl::SimpleAtod(row.fields[i], &value)) {
      return Invalid(
          place, absl::StrCat("column ", i + 1, " is '",
                              row.fields[i].substr(0, 40), "', not a number"));
    }
    values.push_back(value);
    const bool pair_ends = i % 2 == 1;
    if (kind == DetectionKind::kKeypoints && pair_ends &&
        missing != row.fields[i - 1].empty()) {
      return Invalid(place, absl::StrCat("only one of columns ", i, " and ",
                                         i + 1, " is empty"));
    }
  }
  return values;
}

absl::StatusOr<Detection> ParseRow(const media::CsvRow& row,
                                   const media::CsvRow& header,
                                   DetectionKind kind,
                                   const std::string& path) {
  Detection detection;
  detection.place = absl::StrCat(path, ":", row.line);
  if (row.fields.size() != header.fields.size()) {
    return Invalid(
        detection.place,
        absl::StrCat("has ", row.fields.size(), " columns, the header has ",
                     header.fields.size(), "; is the file whole?"));
  }
  detection.clip = ClipName(row.fields[0]);
  if (!absl::SimpleAtoi(row.fields[1], &detection.frame) ||
      detection.frame < 0) {
    return Invalid(detection.place,
                   absl::StrCat("frame_number is '", row.fields[1],
                                "', not an integer of 0 or more"));
  }
  ASSIGN_OR_RETURN(detection.values, ParseValues(row, kind, detection.place));
  return detection;
}

absl::StatusOr<std::vector<Detection>> ReadTable(const std::string& path,
                                                 DetectionKind kind) {
  ASSIGN_OR_RETURN(const std::string text,
                   networks::files::ReadNonEmptyFile(path));
  ASSIGN_OR_RETURN(const std::vector<media::CsvRow> rows,
                   media::SplitCsv(text, path));
  if (rows.empty()) return Invalid(path, "is empty");
  RETURN_IF_ERROR(CheckHeader(rows[0], kind, path));
  std::vector<Detection> detections;
  for (size_t i = 1; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(Detection detection,
                     ParseRow(rows[i], rows[0], kind, path));
    detections.push_back(std::move(detection));
  }
  return detections;
}

absl::Status CheckShape(const media::NpyArray& array, DetectionKind kind,
                        const std::string& path) {
  const bool keypoints = kind == DetectionKind::kKeypoints;
  const size_t dimensions = array.shape.size();
  const bool right =
      keypoints ? dimensions == 3 && array.shape[2] == 2 : dimensions >= 2;
  if (right && !array.values.empty()) return absl::OkStatus();
  return Invalid(
      path, absl::StrCat("has the shape [", absl::StrJoin(array.shape, ", "),
                         "]; must be ",
                         keypoints ? "[frames, keypoints, 2]"
                                   : "[frames, size of an embedding]"));
}

// The frames of one clip.
absl::Status ReadArray(const std::string& path, const std::string& clip,
                       DetectionKind kind, std::vector<Detection>& detections) {
  ASSIGN_OR_RETURN(const media::NpyArray array, media::ReadNpy(path));
  RETURN_IF_ERROR(CheckShape(array, kind, path));
  const int64_t num_frames = array.shape[0];
  const auto length = static_cast<int64_t>(array.values.size()) / num_frames;
  for (int64_t frame = 0; frame < num_frames; ++frame) {
    const auto begin = array.values.begin() + frame * length;
    detections.push_back({clip,
                          frame,
                          {begin, begin + length},
                          absl::StrCat(path, ", row ", frame)});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Detection>> ReadFolder(const std::string& path,
                                                  DetectionKind kind) {
  std::vector<Detection> detections;
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   networks::files::ListFolder(path));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".npy")) continue;
    RETURN_IF_ERROR(ReadArray(absl::StrCat(path, "/", name), ClipName(name),
                              kind, detections));
  }
  if (detections.empty()) return Invalid(path, "holds no .npy file");
  return detections;
}

absl::StatusOr<std::vector<Detection>> ReadAny(const std::string& path,
                                               DetectionKind kind) {
  std::error_code error;
  if (fs::is_directory(path, error)) return ReadFolder(path, kind);
  if (absl::EndsWithIgnoreCase(path, ".csv")) return ReadTable(path, kind);
  if (absl::EndsWithIgnoreCase(path, ".npy")) {
    std::vector<Detection> detections;
    RETURN_IF_ERROR(ReadArray(path, /*clip=*/"", kind, detections));
    return detections;
  }
  return Invalid(path, "must be a .csv, a .npy or a folder of .npy files");
}

absl::Status CheckValues(const std::vector<Detection>& detections,
                         DetectionKind kind) {
  const char* remedy = kind == DetectionKind::kKeypoints
                           ? "; a keypoint that was not found has x -1"
                           : "; an embedding has finite numbers";
  for (const Detection& detection : detections) {
    if (detection.values.size() != detections[0].values.size()) {
      return Invalid(detection.place,
                     absl::StrCat("has ", detection.values.size(),
                                  " values, but ", detections[0].place, " has ",
                                  detections[0].values.size()));
    }
    for (size_t i = 0; i < detection.values.size(); ++i) {
      if (std::isfinite(detection.values[i])) continue;
      return Invalid(
          detection.place,
          absl::StrCat("value ", i, " is ", detection.values[i], remedy));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Detection>> ReadDetections(const std::string& path,
                                                      DetectionKind kind) {
  ASSIGN_OR_RETURN(std::vector<Detection> detections, ReadAny(path, kind));
  if (detections.empty()) return Invalid(path, "holds no frame");
  RETURN_IF_ERROR(CheckValues(detections, kind));
  const auto key = [](const Detection& d) { return std::tie(d.clip, d.frame); };
  std::stable_sort(
      detections.begin(), detections.end(),
      [&](const Detection& a, const Detection& b) { return key(a) < key(b); });
  for (size_t i = 1; i < detections.size(); ++i) {
    if (key(detections[i - 1]) != key(detections[i])) continue;
    return Invalid(detections[i].place,
                   absl::StrCat("frame ", detections[i].frame, " of clip '",
                                detections[i].clip, "' came before, at ",
                                detections[i - 1].place));
  }
  return detections;
}

}  // namespace pipelines
