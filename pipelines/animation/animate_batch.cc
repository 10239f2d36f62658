#include "pipelines/animation/animate_batch.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "networks/files/folder.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/utf8.h"
#include "nlohmann/json.hpp"
#include "pipelines/animation/comparison.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/base/exception_status.h"
#include "pipelines/base/peak_memory.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/device_sink.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/input_address.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using networks::files::BaseName;
using networks::files::FolderOf;
using networks::files::Stem;
using State = BatchResult::State;

// A picture or a video is easily named in place of a list. A pipe is not looked
// into: it can be read once.
absl::Status CheckIsText(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return absl::OkStatus();
  networks::files::ReadOptions options;
  options.first_bytes = 4096;
  ASSIGN_OR_RETURN(const std::string front,
                   networks::files::ReadFile(path, options));
  if (!absl::StrContains(front, '\0')) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path,
      ": is no list of paths, which is a text in UTF-8 with a path a line; "
      "give a single picture or video as source or driving"));
}

absl::StatusOr<std::vector<std::string>> ReadList(
    const std::string& path, const std::function<bool()>& stop) {
  RETURN_IF_ERROR(CheckIsText(path));
  networks::files::ReadOptions options;
  options.stop = stop;
  ASSIGN_OR_RETURN(const std::string text,
                   networks::files::ReadFile(path, options));
  absl::string_view lines = text;
  absl::ConsumePrefix(&lines, "\xEF\xBB\xBF");  // byte order mark
  std::vector<std::string> paths;
  for (const absl::string_view line : absl::StrSplit(lines, '\n')) {
    const std::string name(absl::StripAsciiWhitespace(line));
    if (name.empty() || name[0] == '#') continue;
    if (media::ClassifyAddress(name) != media::AddressKind::kFile) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": '", name,
          "' is a device or a URL; a list may name only files and folders"));
    }
    paths.push_back(UserPath(name));
  }
  if (paths.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a list needs a path in at least one line"));
  }
  return paths;
}

// Whether a folder holds frames, or what it holds cannot be told.
bool HoldsFrames(const std::string& folder) {
  return !absl::IsInvalidArgument(media::ListFrameFiles(folder).status());
}

// Whether something in a folder of inputs is one, or was to be one by its name:
// what is wrong with it, its animation says.
bool IsInput(const std::string& path, bool takes_motion,
             const std::function<bool()>& stop) {
  if (media::HasPictureEnding(path) || media::HasVideoEnding(path)) return true;
  std::error_code error;
  if (fs::is_directory(path, error)) return HoldsFrames(path);
  if (!fs::is_regular_file(path, error)) return true;
  if (IsMotionFile(path)) return takes_motion;
  media::FrameSourceOptions options;
  options.stop = stop;
  const absl::Status opened = media::OpenFrameSource(path, options).status();
  return !absl::IsInvalidArgument(opened);
}

std::string SkippedNote(const std::vector<std::string>& paths,
                        const std::string& folder) {
  if (paths.size() == 1) {
    return absl::StrCat("skipped ", paths[0], ", which is no picture or video");
  }
  constexpr size_t kNamed = 5;
  std::vector<std::string> names;
  for (size_t i = 0; i < paths.size() && i < kNamed; ++i) {
    names.push_back(BaseName(paths[i]));
  }
  return absl::StrCat(
      "skipped ", paths.size(), " in ", folder,
      ", which are no pictures or videos: ", absl::StrJoin(names, ", "),
      names.size() < paths.size() ? ", ..." : "");
}

bool IsKept(const std::string& output, const BatchOptions& options) {
  std::error_code error;
  return options.skips_existing && !options.video.overwrite &&
         fs::exists(output, error);
}

// Whether a file may be replaced, without being asked, by a comparison of
// `videos`: one that this program wrote, that shows nothing else, and that no
// item reads.
bool MayRenew(const std::string& path, const std::vector<std::string>& former,
              const std::vector<std::string>& videos,
              const std::vector<BatchItem>& items) {
  std::set<std::string> names;
  for (const std::string& video : videos) names.insert(BaseName(video));
  const bool shows_all =
      std::all_of(former.begin(), former.end(),
                  [&](const auto& name) { return names.count(name) > 0; });
  if (!shows_all) return false;
  networks::files::PlannedOutputs planned;
  planned.files = {path};
  planned.overwrite = true;
  for (const BatchItem& item : items) {
    planned.inputs.push_back(item.source);
    planned.inputs.push_back(item.driving);
  }
  return networks::files::CheckOutputs(planned).ok();
}

// Whether one of `results` was written after the comparison at `path`, by this
// run or by one without comparisons, or is none that it shows: times are those
// of copies, or of a batch that ran at the same time.
bool LacksResult(const std::string& path, const std::vector<std::string>& shown,
                 const std::vector<std::string>& results) {
  std::error_code error;
  const fs::file_time_type compared = fs::last_write_time(path, error);
  return std::any_of(results.begin(), results.end(), [&](const auto& result) {
    return fs::last_write_time(result, error) > compared ||
           std::find(shown.begin(), shown.end(), BaseName(result)) ==
               shown.end();
  });
}

// The names that outputs are called after.
std::vector<std::string> NamesOf(const std::vector<std::string>& paths) {
  std::map<std::string, int> count;
  for (const std::string& path : paths) ++count[Stem(path)];
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const std::string stem = Stem(path);
    names.push_back(count[stem] == 1 ? stem : BaseName(path));
  }
  return names;
}

std::map<std::string, std::string> ComparisonPaths(
    const std::vector<BatchItem>& items) {
  std::map<std::string, std::string> paths;  // by the driving video
  for (const BatchItem& item : items) paths[item.driving] = item.output;
  std::vector<std::string> drivings;
  for (const auto& [driving, output] : paths) drivings.push_back(driving);
  const std::vector<std::string> names = NamesOf(drivings);
  for (size_t i = 0; i < drivings.size(); ++i) {
    std::string& path = paths[drivings[i]];
    path = absl::StrCat(FolderOf(path), "/all--", names[i], ".mp4");
  }
  return paths;
}

// No result may have the name of a comparison, as that of a source called "all"
// has: the one would be kept for the other.
absl::Status CheckComparisons(const std::vector<BatchItem>& items,
                              const std::map<std::string, std::string>& paths) {
  std::set<std::string> names;
  for (const auto& [driving, path] : paths) names.insert(BaseName(path));
  for (const BatchItem& item : items) {
    if (names.count(BaseName(item.output)) == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        item.output, ": would be the result of ", item.source,
        " and a comparison; rename this source, or leave out comparison"));
  }
  return absl::OkStatus();
}

// A pipe has nothing for a second reader, and a camera other frames.
absl::Status CheckReadings(const std::vector<BatchItem>& items,
                           const BatchOptions& options) {
  std::map<std::string, int> readings;
  for (const BatchItem& item : items) {
    if (IsKept(item.output, options)) continue;
    ++readings[item.source];
    ++readings[item.driving];
    ++readings[options.video.background.picture];
    ++readings[options.video.background.mask];
  }
  if (options.compares) {
    for (const auto& [driving, path] : ComparisonPaths(items)) {
      if (options.video.allow_addresses && media::IsDevice(driving)) {
        const bool is_graph = media::DeviceOf(driving).format == "lavfi";
        return absl::InvalidArgumentError(absl::StrCat(
            driving, ": a camera",
            is_graph ? ", as which a graph of filters is read," : "",
            " shows a comparison other frames than the animations; record a "
            "video first, or leave out comparison"));
      }
      ++readings[driving];
    }
  }
  for (const auto& [path, count] : readings) {
    if (count < 2 || !media::IsPipe(path)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": is a pipe, which can be read once, and several "
                     "animations or a comparison read it; save it as a "
                     "file"));
  }
  return absl::OkStatus();
}

BatchResult AnimateItem(Animator& animator, const BatchItem& item,
                        const AnimateVideoOptions& options) {
  BatchResult result;
  result.item = item;
  absl::StatusOr<AnimateVideoReport> report;
  try {
    report =
        AnimateVideo(animator, item.source, item.driving, item.output, options);
  } catch (const std::exception& error) {
    // One that needs too much memory does not stop the others.
    const absl::Status thrown = ExceptionStatus(error);
    report = absl::Status(thrown.code(),
                          absl::StrCat(item.source, ", ", item.driving, ": ",
                                       std::string(thrown.message())));
  }
  result.status = report.status();
  if (report.ok()) {
    result.state = State::kDone;
    result.report = *std::move(report);
  }
  return result;
}

// Of the table's first column.
constexpr size_t kNameColumns = 40;

// `name`, in UTF-8, with spaces behind it up to so many characters.
std::string Padded(std::string name, size_t columns) {
  const size_t characters = networks::files::NumCharacters(name);
  if (characters < columns) name.append(columns - characters, ' ');
  return name;
}

const char* StateName(State state) {
  switch (state) {
    case State::kDone:
      return "done";
    case State::kSkipped:
      return "skipped";
    case State::kFailed:
      break;
  }
  return "failed";
}

double FramesPerSecond(const AnimateVideoReport& report) {
  return report.seconds > 0 ? report.frames / report.seconds : 0;
}

nlohmann::json ResultJson(const BatchResult& result) {
  nlohmann::json json = {{"source", result.item.source},
                         {"driving", result.item.driving},
                         {"output", result.item.output},
                         {"state", StateName(result.state)}};
  if (result.state == State::kFailed) {
    json["error"] = std::string(result.status.message());
    json["code"] =
        absl::AsciiStrToLower(absl::StatusCodeToString(result.status.code()));
  }
  if (result.state != State::kDone) return json;
  const AnimateVideoReport& report = result.report;
  json["frames"] = report.frames;
  json["start_frame"] = report.start_frame;
  json["damage"] = report.damage;
  json["warnings"] = report.warnings;
  json["seconds"] = report.seconds;
  json["frames_per_second"] = FramesPerSecond(report);
  json["stage_seconds"] = {{"look_ahead", report.look_ahead_seconds},
                           {"read", report.stages.read},
                           {"compute", report.stages.compute},
                           {"write", report.stages.write}};
  return json;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListInputs(
    const std::string& path, const WorkHooks& hooks, bool takes_motion,
    const std::string& results) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    if (error) return networks::files::SystemError(error, path, "look it up");
    return absl::NotFoundError(absl::StrCat(path, ": no such file or folder"));
  }
  if (!fs::is_directory(path, error)) return ReadList(path, hooks.stop);
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   networks::files::ListFolder(path));
  std::vector<std::string> paths, skipped;
  for (const std::string& name : names) {
    if (media::IsSidecar(name)) continue;
    const std::string input = fs::path(path) / name;
    if (fs::equivalent(input, results, error)) continue;
    (IsInput(input, takes_motion, hooks.stop) ? paths : skipped)
        .push_back(input);
  }
  if (paths.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, names.empty() ? ": is empty" : ": holds no pictures or videos"));
  }
  if (!skipped.empty()) hooks.Note(SkippedNote(skipped, path));
  return paths;
}

std::vector<BatchItem> PairAll(const std::vector<std::string>& sources,
                               const std::vector<std::string>& drivings,
                               const std::string& folder,
                               const std::string& ending) {
  const std::vector<std::string> source_names = NamesOf(sources);
  const std::vector<std::string> driving_names = NamesOf(drivings);
  std::vector<BatchItem> items;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (size_t j = 0; j < drivings.size(); ++j) {
      // A slash makes a folder of a name with a dot.
      items.push_back({sources[i], drivings[j],
                       fs::path(folder) /
                           absl::StrCat(source_names[i], "--", driving_names[j],
                                        ending.empty() ? "/" : ending)});
    }
  }
  return items;
}

absl::Status CheckBatch(const std::vector<BatchItem>& items,
                        const BatchOptions& options) {
  RETURN_IF_ERROR(CheckReadings(items, options));
  networks::files::PlannedOutputs planned;
  planned.files = {options.video.save_keypoints, options.video.save_deformation,
                   options.video.save_motion};
  planned.inputs = options.video.other_inputs;
  planned.inputs.push_back(options.video.background.picture);
  planned.inputs.push_back(options.video.background.mask);
  planned.overwrite = options.video.overwrite;
  planned.makes_folders = true;
  for (const BatchItem& item : items) {
    planned.inputs.push_back(item.source);
    planned.inputs.push_back(item.driving);
    if (IsKept(item.output, options) || media::IsDeviceOutput(item.output)) {
      continue;
    }
    (media::IsFolderOutput(item.output) ? planned.folders : planned.files)
        .push_back(item.output);
  }
  if (options.compares) {
    const auto comparisons = ComparisonPaths(items);
    RETURN_IF_ERROR(CheckComparisons(items, comparisons));
    for (const auto& [driving, path] : comparisons) {
      if (!IsKept(path, options)) planned.files.push_back(path);
    }
  }
  return networks::files::CheckOutputs(planned);
}

std::vector<BatchResult> AnimateBatch(Animator& animator,
                                      const std::vector<BatchItem>& items,
                                      const BatchOptions& options) {
  std::vector<BatchResult> results;
  for (size_t i = 0; i < items.size(); ++i) {
    if (options.video.hooks.IsStopped()) break;
    if (IsKept(items[i].output, options)) {
      results.push_back({items[i], State::kSkipped, {}, {}});
      if (options.end) options.end(results.back());
      continue;
    }
    if (options.begin) options.begin(i, items[i]);
    BatchResult result = AnimateItem(animator, items[i], options.video);
    if (absl::IsCancelled(result.status)) break;
    results.push_back(std::move(result));
    if (options.end) options.end(results.back());
    if (options.halt_on_error && results.back().state == State::kFailed) break;
  }
  return results;
}

absl::StatusOr<std::vector<BatchComparison>> WriteComparisons(
    const std::vector<BatchResult>& results, const BatchOptions& batch) {
  ComparisonOptions options;
  options.max_frames = batch.video.max_frames;
  options.hooks = batch.video.hooks;
  std::vector<BatchItem> items;
  std::map<std::string, std::vector<std::string>>
      outputs;  // of a driving video
  for (const BatchResult& result : results) {
    items.push_back(result.item);
    if (result.state == State::kFailed) continue;
    outputs[result.item.driving].push_back(result.item.output);
  }
  std::map<std::string, std::string> paths = ComparisonPaths(items);
  std::vector<BatchComparison> comparisons;
  for (const auto& [driving, made] : outputs) {
    std::vector<std::string> videos = made;
    options.first = DrivingInputOf(batch.video);
    if (IsMotionFile(driving)) {
      options.first.min_stacked_frames = kNoStackedFrames;  // of a result
    } else {
      videos.insert(videos.begin(), driving);
    }
    BatchComparison comparison;
    comparison.path = paths[driving];
    const auto former = ComparedNames(comparison.path);
    const bool is_renewed = former &&
                            LacksResult(comparison.path, *former, made) &&
                            MayRenew(comparison.path, *former, videos, items);
    comparison.is_new = is_renewed || !IsKept(comparison.path, batch);
    if (comparison.is_new) {
      options.overwrite = is_renewed || batch.video.overwrite;
      ASSIGN_OR_RETURN(ComparisonReport report,
                       WriteComparison(videos, comparison.path, options));
      comparison.warnings = std::move(report.warnings);
    }
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

absl::Status BatchStatus(const std::vector<BatchResult>& results,
                         size_t num_items) {
  size_t num_failed = 0;
  absl::Status first;
  for (const BatchResult& result : results) {
    if (result.state != State::kFailed) continue;
    if (num_failed++ == 0) first = result.status;
  }
  if (num_failed == 0) return absl::OkStatus();
  if (num_items == 1) return first;
  std::string message =
      absl::StrCat(num_failed, " of ", num_items,
                   " failed, the first: ", std::string(first.message()));
  if (results.size() < num_items) {
    absl::StrAppend(
        &message, "; not tried because of that: ", num_items - results.size());
  }
  return absl::Status(first.code(), message);
}

std::string BatchTable(const std::vector<BatchResult>& results) {
  std::string table = absl::StrFormat(
      "%s %7s %8s %8s %8s %8s %8s\n", Padded("output", kNameColumns), "state",
      "frames", "fps", "read s", "comp. s", "write s");
  for (const BatchResult& result : results) {
    absl::StrAppendFormat(&table, "%s %7s",
                          Padded(BaseName(result.item.output), kNameColumns),
                          StateName(result.state));
    if (result.state == State::kDone) {
      const AnimateVideoReport& report = result.report;
      absl::StrAppendFormat(&table, " %8d %8.1f %8.2f %8.2f %8.2f",
                            report.frames, FramesPerSecond(report),
                            report.stages.read, report.stages.compute,
                            report.stages.write);
      if (!report.damage.empty()) {
        absl::StrAppend(&table, "  damaged: ", report.damage);
      }
    } else if (result.state == State::kFailed) {
      absl::StrAppend(&table, "  ", std::string(result.status.message()));
    }
    table += '\n';
  }
  return table;
}

std::string BatchJson(const std::vector<BatchResult>& results,
                      const std::string& checkpoint, Precision precision) {
  nlohmann::json json = {{"checkpoint", checkpoint},
                         {"precision", PrecisionName(precision)},
                         {"peak_memory_mb", PeakMemoryMb()},
                         {"items", nlohmann::json::array()}};
  for (const BatchResult& result : results) {
    json["items"].push_back(ResultJson(result));
  }
  // Names need not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace pipelines
