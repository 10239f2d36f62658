#include "tools/cut_clips/clip_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "pipelines/media/csv.h"
#include "third_party/absl/status_macros.h"

namespace tools {
namespace {

std::string Quoted(const std::string& field) {
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

// Between the two parts of a CutText.
constexpr char kOfVideo[] = " of ";

struct VideoStamp {
  std::string path;  // absolute
  std::string size;  // "4711 bytes"
  std::string changed;

  // Without the place, as of a video that was moved or renamed.
  std::string State() const { return absl::StrCat(", ", size, ", ", changed); }
};

// Empty if it is not there.
std::optional<VideoStamp> StampOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  std::error_code error;
  const std::filesystem::path absolute =
      std::filesystem::canonical(path, error);
  return VideoStamp{
      error ? path : absolute.string(), absl::StrCat(info.st_size, " bytes"),
      absl::FormatTime(absl::RFC3339_full, absl::TimeFromTimespec(info.st_mtim),
                       absl::UTCTimeZone())};
}

// Which part of a video, and how it is written.
std::string PartText(const ClipSpec& spec, const CutOptions& options) {
  const bool in_frames = options.unit == ClipUnit::kFrames;
  const std::string end =
      std::isinf(spec.end) ? "end" : absl::StrFormat("%.10g", spec.end);
  std::string text = absl::StrFormat("%s %.10g-%s %s", spec.file, spec.start,
                                     end, in_frames ? "frames" : "s");
  if (spec.box) {
    absl::StrAppendFormat(&text, " box %d-%d-%d-%d", spec.box->x, spec.box->y,
                          spec.box->br().x, spec.box->br().y);
  }
  if (options.size) {
    absl::StrAppendFormat(&text, " size %dx%d", options.size->width,
                          options.size->height);
  }
  if (!options.ending.empty()) absl::StrAppend(&text, " crf ", options.crf);
  return text;
}

// A CutText, taken apart.
struct CutParts {
  std::string piece;  // file, times, unit
  std::string box, size, crf;
  std::string video;  // its stamp
};

// The value behind `name` at the end of `text`, both of which are taken off;
// empty if there is none.
std::string TakeLast(absl::string_view name, absl::string_view* text) {
  const size_t begin = text->rfind(name);
  if (begin == absl::string_view::npos) return "";
  const std::string value(text->substr(begin + name.size()));
  if (absl::StrContains(value, ' ')) return "";  // of a file's name
  text->remove_suffix(text->size() - begin);
  return value;
}

CutParts PartsOf(absl::string_view text) {
  CutParts parts;
  // A path is absolute; " of " may be in a file's name.
  if (const size_t end = text.find(" of /"); end != absl::string_view::npos) {
    parts.video = std::string(text.substr(end + sizeof(kOfVideo) - 1));
    text = text.substr(0, end);
  }
  parts.crf = TakeLast(" crf ", &text);
  parts.size = TakeLast(" size ", &text);
  parts.box = TakeLast(" box ", &text);
  parts.piece = std::string(text);
  return parts;
}

// Sides of boxes are below it in lists; what is not is damaged.
constexpr int kMostSide = 1000000;

// The box "-300--20-40-200"; nullopt if it is none.
std::optional<cv::Rect> BoxOf(absl::string_view text) {
  std::vector<int> sides;
  while (!text.empty()) {
    const size_t end = std::min(text.find('-', 1), text.size());  // 0: a sign
    int side = 0;
    if (!absl::SimpleAtoi(text.substr(0, end), &side) || side < -kMostSide ||
        side > kMostSide) {
      return std::nullopt;
    }
    sides.push_back(side);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (sides.size() != 4) return std::nullopt;
  return cv::Rect(cv::Point(sides[0], sides[1]), cv::Point(sides[2], sides[3]));
}

// The size "64x64"; nullopt if it is none.
std::optional<cv::Size> SizeOf(const std::string& text) {
  const std::vector<std::string> sides = absl::StrSplit(text, 'x');
  cv::Size size;
  if (sides.size() != 2 || !absl::SimpleAtoi(sides[0], &size.width) ||
      !absl::SimpleAtoi(sides[1], &size.height) || size.width <= 0 ||
      size.height <= 0) {
    return std::nullopt;
  }
  return size;
}

}  // namespace

std::string RecordPath(const std::string& folder) {
  return absl::StrCat(folder, "/cut_clips.csv");
}

std::string ClipKey(const ClipSpec& spec, const CutOptions& options) {
  // A slash marks a folder, for names may hold dots.
  return absl::StrCat(spec.partition, "/", spec.name,
                      options.ending.empty() ? "/" : options.ending);
}

std::optional<std::string> NameOfClip(absl::string_view key) {
  if (!absl::ConsumePrefix(&key, "train/") &&
      !absl::ConsumePrefix(&key, "test/")) {
    return std::nullopt;
  }
  if (!absl::ConsumeSuffix(&key, ".mp4") && !absl::ConsumeSuffix(&key, "/")) {
    return std::nullopt;
  }
  if (key.empty() || key[0] == '.' || absl::StrContains(key, '/')) {
    return std::nullopt;
  }
  return std::string(key);
}

std::string CutText(const ClipSpec& spec, const CutOptions& options) {
  const std::string part = PartText(spec, options);
  const std::optional<VideoStamp> video = StampOf(spec.video);
  if (!video) return part;
  return absl::StrCat(part, kOfVideo, video->path, video->State());
}

bool IsSameCut(const std::string& known, const ClipSpec& spec,
               const CutOptions& options) {
  const std::string text = CutText(spec, options);
  if (known == text) return true;
  return !StampOf(spec.video) &&
         absl::StartsWith(known, absl::StrCat(text, kOfVideo));
}

std::set<std::string> VideoStates(const std::vector<ClipSpec>& specs) {
  std::set<std::string> states;
  for (const ClipSpec& spec : specs) {
    const std::optional<VideoStamp> stamp = StampOf(spec.video);
    if (stamp) states.insert(stamp->State());
  }
  return states;
}

bool IsVideoGone(const std::string& known,
                 const std::set<std::string>& states) {
  const std::string video = PartsOf(known).video;
  size_t end = video.rfind(", ");  // a path may hold commas
  if (end != std::string::npos && end > 0) end = video.rfind(", ", end - 1);
  if (end == std::string::npos || StampOf(video.substr(0, end))) return false;
  return states.count(video.substr(end)) == 0;
}

std::string CutDifference(const std::string& known, const ClipSpec& spec,
                          const CutOptions& options) {
  const CutParts was = PartsOf(known), is = PartsOf(CutText(spec, options));
  std::vector<std::string> different;
  const auto compare = [&](const char* name, const std::string& a,
                           const std::string& b, const char* none) {
    if (a == b) return;
    different.push_back(absl::StrCat(name, a.empty() ? none : a, ", not ",
                                     b.empty() ? none : b));
  };
  compare("as ", was.piece, is.piece, "nothing");
  compare("with box ", was.box, is.box, "of the whole frame");
  compare("with size ", was.size, is.size, "of the box");
  compare("with crf ", was.crf, is.crf, "of none");
  if (!is.video.empty()) {
    compare("of ", was.video, is.video, "a video that nothing is known of");
  }
  return absl::StrJoin(different, "; ");
}

bool MayShowTheSame(const std::string& known, const ClipSpec& spec,
                    const CutOptions& options) {
  const std::string part = PartText(spec, options);
  if (known == part) return true;  // by a version that named no videos
  absl::string_view of_video = known;
  if (!absl::ConsumePrefix(&of_video, absl::StrCat(part, kOfVideo))) {
    return false;
  }
  const std::optional<VideoStamp> video = StampOf(spec.video);
  return !video ||
         absl::StartsWith(of_video, absl::StrCat(video->path, ", ")) ||
         absl::StrContains(of_video, absl::StrCat(", ", video->size, ", "));
}

std::optional<ShownFrames> FramesOf(const std::string& known) {
  const CutParts parts = PartsOf(known);
  if (parts.video.empty()) return std::nullopt;
  // The piece ends in " 0-2.5 s", or " 0-end s".
  const std::vector<std::string> words = absl::StrSplit(parts.piece, ' ');
  if (words.size() < 3) return std::nullopt;
  const std::vector<std::string> times =
      absl::StrSplit(words[words.size() - 2], '-');
  ShownFrames shown;
  if (times.size() != 2 || !absl::SimpleAtod(times[0], &shown.start)) {
    return std::nullopt;
  }
  if (!absl::SimpleAtod(times[1], &shown.end)) {
    shown.end = std::numeric_limits<double>::infinity();
  }
  shown.video = parts.video.substr(parts.video.rfind('/') + 1);
  shown.unit = words.back();
  shown.box = BoxOf(parts.box);
  shown.size = SizeOf(parts.size);
  return shown;
}

absl::StatusOr<ClipRecord> ReadClipRecord(const std::string& folder) {
  const std::string path = RecordPath(folder);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return ClipRecord();
  ASSIGN_OR_RETURN(const std::string text, networks::files::ReadFile(path));
  ASSIGN_OR_RETURN(const std::vector<pipelines::media::CsvRow> rows,
                   pipelines::media::SplitCsv(text, path));
  const std::vector<std::string> columns = {"clip", "table", "cut"};
  if (rows.empty() || rows[0].fields != columns) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": is no record of this program, which needs the name; move it"));
  }
  ClipRecord record;
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::vector<std::string>& fields = rows[i].fields;
    if (fields.size() != 3) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", rows[i].line, ": has ", fields.size(),
          " fields and not 3; remove this file and the clips beside it"));
    }
    if (!NameOfClip(fields[0])) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", rows[i].line, ": '", fields[0],
          "' is no clip of this data set (train/NAME.mp4, or test/NAME/ of a "
          "folder); remove this file and the clips beside it"));
    }
    record[fields[0]] = {fields[1], fields[2]};
  }
  return record;
}

absl::Status WriteClipRecord(const std::string& folder,
                             const ClipRecord& record) {
  std::string text = "clip,table,cut\n";
  for (const auto& [key, origin] : record) {
    absl::StrAppend(&text, Quoted(key), ",", Quoted(origin.table), ",",
                    Quoted(origin.cut), "\n");
  }
  return networks::files::WriteAtomically(RecordPath(folder), text);
}

}  // namespace tools
