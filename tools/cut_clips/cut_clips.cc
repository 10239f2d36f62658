// Cuts videos into clips, by a table or as a whole; see kUsage.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "networks/files/file_lock.h"
#include "networks/files/folder.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/app/progress.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"
#include "tools/cut_clips/clip_record.h"
#include "tools/cut_clips/cut_plan.h"
#include "tools/cut_clips/video_folder.h"
#include "tools/cut_clips/whole_videos.h"

ABSL_FLAG(std::string, videos, "",
          "Folder of the videos: all of them, or those that --list names. Or, "
          "without --list, one video. Without it, the current folder.");
ABSL_FLAG(std::vector<std::string>, test, {},
          "Without --list: the videos in --videos, with commas between, that "
          "are kept back as test clips; the others are for training. Without "
          "it, the last fifth of each video is kept back.");
ABSL_FLAG(std::string, list, "",
          "CSV table of the clips. Without it, each video in --videos is cut "
          "as a whole.");
ABSL_FLAG(std::string, output, "", "Data set folder to write to.");
ABSL_FLAG(std::string, unit, "seconds",
          "What start and end of the table count: seconds or frames.");
ABSL_FLAG(int, size, 256,
          "Width and height of the clips in pixels, 2 to 4096, best those of "
          "the config to train; 0 keeps the size of the box.");
ABSL_FLAG(bool, png, false, "Writes folders of PNGs instead of mp4.");
ABSL_FLAG(int, crf, 12, "Quality of the mp4: 0 lossless, 51 worst.");
ABSL_FLAG(bool, overwrite, false,
          "Cuts again what was cut in another way, and removes clips that are "
          "no longer asked for.");

namespace {

constexpr char kUsage[] =
    R"(Cuts, crops and resizes videos into the clips of a data set.

  tools/bazelw run //tools/cut_clips -- \
      --videos FOLDER --size 128 --output DATASET
      takes every video of a folder as it is: the largest square in the middle,
      the last fifth of each video for testing, or the videos that --test names;
      --videos FILE takes one video
  tools/bazelw run //tools/cut_clips -- \
      --list clips.csv --videos FOLDER --output DATASET
      takes the pieces that a table names

The table's first line names its columns; others are ignored.

  file (or video_id)  a video in --videos; its ending may be left out
  start, end          seconds from the first frame (12.4), or frames from 0 with
                      --unit frames; the end is not part of the clip. Empty:
                      from the beginning, to the end. Where sound begins before
                      the first frame, players count from the sound: subtract
                      what lies between.
  box (or bbox)       left-top-right-bottom in pixels of the upright frame,
                      with spaces if a side is negative (-12 -30 240 280); the
                      whole frame if empty. It is widened about its centre to
                      the aspect of --size, as far as the frame allows; of
                      what is left the middle is taken.
  name                of the clip; FILE#START-END if empty, and FILE of a
                      whole video
  partition           train or test; train if empty. A data set needs both.

  file,start,end,box,partition
  id10001#7w0IBEWc9Qw.mp4,12.4,18.1,180-20-460-300,train

Clips have no sound. Each video is read once, however many clips it has. A clip
that cannot be cut is named at the end, and the exit code is 1.

Run again, an interrupted run goes on. DATASET/cut_clips.csv says how each clip
was cut, and of which video: by path, size and date. It is an error, and
--overwrite mends it, if a clip is there that was cut in another way (another
size, box, time or video), that is no longer asked for, or that is now in the
other partition. Clips of a video that is no longer there are kept, with --list
if it still names them.

Exit codes: 0 done, 1 bad input or a clip that cannot be cut, 2 bad flag; above
128, try again: 129 disk full or folder read-only.)";

using pipelines::UsageError;

absl::Status Usage(const std::string& message) {
  return UsageError(absl::InvalidArgumentError(message));
}

absl::StatusOr<tools::CutOptions> OptionsFromFlags() {
  tools::CutOptions options;
  options.output_folder = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  options.ending = absl::GetFlag(FLAGS_png) ? "" : ".mp4";
  options.crf = absl::GetFlag(FLAGS_crf);
  const std::string unit = absl::GetFlag(FLAGS_unit);
  const int size = absl::GetFlag(FLAGS_size);
  if (options.output_folder.empty()) {
    return Usage("--output is missing; --help tells what it is");
  }
  const bool has_list = !absl::GetFlag(FLAGS_list).empty();
  if (has_list && !absl::GetFlag(FLAGS_test).empty()) {
    return Usage(
        "--test is for videos without a --list, whose column partition says "
        "which clips are for testing");
  }
  if (!has_list && unit == "frames") {
    return Usage("--unit frames says what a --list counts, and there is none");
  }
  if (unit != "seconds" && unit != "frames") {
    return Usage(absl::StrCat("--unit is ", unit, "; use seconds or frames"));
  }
  if (size != 0 && (size < 2 || size > 4096)) {
    return Usage(absl::StrCat("--size is ", size, "; use 0 or 2 to 4096"));
  }
  if (options.crf < 0 || options.crf > 51) {
    return Usage(absl::StrCat("--crf is ", options.crf, "; use 0 to 51"));
  }
  const absl::CommandLineFlag& crf = absl::GetFlagReflectionHandle(FLAGS_crf);
  if (absl::GetFlag(FLAGS_png) && crf.CurrentValue() != crf.DefaultValue()) {
    return Usage("--crf is of mp4 and has no effect with --png; leave out one");
  }
  if (unit == "frames") options.unit = tools::ClipUnit::kFrames;
  if (size > 0) options.size = cv::Size(size, size);
  return options;
}

// The most places that a message lists.
constexpr size_t kListed = 5;

void Say(const std::string& line) {
  pipelines::PrintLine(stderr, absl::StrCat("cut_clips: ", line));
}

// Nothing that `plan` writes or takes away may be one of `inputs`. Which clips
// may be replaced is in the plan.
absl::Status CheckOutputs(const tools::CutPlan& plan,
                          const std::vector<std::string>& inputs,
                          const tools::CutOptions& options) {
  const std::string& folder = options.output_folder;
  std::set<std::string> keys;
  for (const tools::ClipSpec* spec : plan.to_cut) {
    keys.insert(tools::ClipKey(*spec, options));
  }
  for (const tools::StaleClip& clip : plan.stale) keys.insert(clip.key);
  networks::files::PlannedOutputs planned;
  planned.inputs = inputs;
  planned.overwrite = true;
  planned.files = {tools::RecordPath(folder)};
  for (const std::string& key : keys) {
    (key.back() == '/' ? planned.filled_folders : planned.files)
        .push_back(absl::StrCat(folder, "/", key));
  }
  return pipelines::CheckUserOutputs(planned);
}

// What is wrong with `clips` of `folder`: a line for all that were cut alike in
// another way, and for each other one.
std::vector<std::string> LinesOf(
    const std::vector<const tools::StaleClip*>& clips,
    const std::string& folder) {
  std::map<std::string, std::vector<std::string>> by_why;
  for (const tools::StaleClip* clip : clips) {
    by_why[clip->why].push_back(clip->key);
  }
  std::vector<std::string> lines;
  for (const auto& [why, keys] : by_why) {
    absl::string_view how = why;
    if (keys.size() > 1 && absl::ConsumePrefix(&how, "was ")) {
      lines.push_back(
          absl::StrCat(keys.size(), " clips in ", folder, " were ", how));
      continue;
    }
    for (const std::string& key : keys) {
      lines.push_back(absl::StrCat(folder, "/", key, " ", why));
    }
  }
  return lines;
}

// NotFound if a clip is to be replaced whose video is no longer there: once
// taken away, it would be lost.
absl::Status CheckCanBeCutAnew(const tools::CutPlan& plan,
                               const std::string& folder) {
  std::map<std::string, std::string> lacking;  // video, by the clip's name
  for (const tools::ClipSpec* spec : plan.to_cut) {
    std::error_code error;
    if (std::filesystem::exists(spec->video, error)) continue;
    lacking[spec->name] = spec->video;
  }
  for (const tools::StaleClip& clip : plan.stale) {
    const auto found = lacking.find(tools::NameOfClip(clip.key).value_or(""));
    if (!clip.is_ours || found == lacking.end()) continue;
    return absl::NotFoundError(absl::StrCat(
        folder, "/", clip.key, " cannot be cut anew: its video ", found->second,
        " is not there; put it back, or give another --output"));
  }
  return absl::OkStatus();
}

// Takes the stale clips away if they may be; else an error, after a line for
// each reason if there are several.
absl::Status RemoveStale(const std::vector<tools::StaleClip>& stale,
                         const std::string& folder) {
  const bool overwrite = absl::GetFlag(FLAGS_overwrite);
  std::vector<const tools::StaleClip*> left;
  for (const tools::StaleClip& clip : stale) {
    if (!overwrite || !clip.is_ours) left.push_back(&clip);
  }
  const std::vector<std::string> lines = LinesOf(left, folder);
  if (lines.size() == 1 && !overwrite &&
      absl::StartsWith(left[0]->why, "was cut ")) {
    return absl::FailedPreconditionError(absl::StrCat(
        lines[0], "; --overwrite cuts ", left.size() == 1 ? "it" : "them",
        " anew, and another --output keeps ",
        left.size() == 1 ? "it" : "them"));
  }
  for (size_t i = 0; i < lines.size() && i < kListed; ++i) Say(lines[i]);
  if (!left.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        left.size(), left.size() == 1 ? " clip in " : " clips in ", folder,
        left.size() == 1 ? " is" : " are", " not as asked for; ",
        overwrite ? "remove those that this program has not cut"
                  : "give --overwrite to cut them again and remove those that "
                    "are no longer asked for, or another --output"));
  }
  for (const tools::StaleClip& clip : stale) {
    const std::string path = absl::StrCat(folder, "/", clip.key);
    std::error_code error;
    std::filesystem::remove_all(std::filesystem::path(path), error);
    if (error) return networks::files::SystemError(error, path, "remove this");
  }
  return absl::OkStatus();
}

// The clips of `plan`, video by video, with a progress bar.
std::vector<tools::CutResult> CutPlanned(const tools::CutPlan& plan,
                                         const tools::CutOptions& options) {
  if (plan.to_cut.empty()) return {};
  std::map<std::string, std::vector<const tools::ClipSpec*>> by_video;
  for (const tools::ClipSpec* spec : plan.to_cut) {
    by_video[spec->video].push_back(spec);
  }
  pipelines::ProgressOptions progress_options;
  progress_options.title = "cutting";
  progress_options.total = static_cast<int64_t>(plan.to_cut.size());
  progress_options.unit = "clips";
  pipelines::ProgressBar progress(progress_options);
  std::vector<tools::CutResult> results;
  for (const auto& [video, clips] : by_video) {
    for (const tools::CutResult& result :
         tools::CutClips(video, clips, options)) {
      results.push_back(result);
      progress.Update(static_cast<int64_t>(results.size()));
    }
  }
  progress.Finish();
  return results;
}

// What of the boxes is not in the clips, or more than that is.
void SayBoxes(const std::vector<tools::CutResult>& results) {
  size_t cut = 0, widened = 0;
  for (const tools::CutResult& result : results) {
    if (!result.status.ok()) continue;
    widened += result.widened;
    if (!result.box_inside || cut++ >= kListed) continue;
    const cv::Rect& box = *result.box_inside;
    Say(absl::StrCat("warning: clip ", result.spec->name, " (line ",
                     result.spec->line,
                     "): its box reaches beyond the frame; cut to ", box.x, "-",
                     box.y, "-", box.br().x, "-", box.br().y));
  }
  if (cut > kListed) {
    Say(absl::StrCat("warning: and ", cut - kListed, " more such ",
                     cut - kListed == 1 ? "box" : "boxes"));
  }
  if (widened > 0) {
    Say(absl::StrCat(widened, widened == 1 ? " box was" : " boxes were",
                     " widened about the centre to the aspect of --size; "
                     "--size 0 keeps the shape"));
  }
}

// What of the videos is not in the clips as it was filmed.
void SayWarnings(const std::vector<tools::CutResult>& results) {
  size_t count = 0;
  for (const tools::CutResult& result : results) {
    for (const std::string& warning : result.warnings) {
      if (count++ < kListed) Say(absl::StrCat("warning: ", warning));
    }
  }
  if (count > kListed) {
    Say(absl::StrCat("warning: and ", count - kListed, " more such ",
                     count - kListed == 1 ? "warning" : "warnings"));
  }
}

// By the shipped config for a handful of clips whose size is the nearest, of
// those that need no weights of others and no GPU.
void SayHowToTrain(const tools::CutOptions& options) {
  const bool is_small = options.size && options.size->width <= 64;
  pipelines::ProgramHooks hooks("cut_clips");
  hooks.hooks().note(absl::StrCat(
      "to train on them: tools/bazelw run //pipelines:train -- --config ",
      is_small ? "figure-64" : "figure-128", " --set ",
      pipelines::QuotedForShell(
          absl::StrCat("data.folder=", options.output_folder))));
}

// Says what became of `table`; an error if a clip could not be cut.
absl::Status Summary(const std::string& table, const tools::CutPlan& plan,
                     const std::vector<tools::CutResult>& results,
                     const tools::CutOptions& options) {
  std::set<std::string> failed;
  absl::Status first;
  for (const tools::CutResult& result : results) {
    if (result.status.ok()) continue;
    failed.insert(tools::ClipKey(*result.spec, options));
    first.Update(result.status);
    Say(std::string(result.status.message()));
  }
  SayBoxes(results);
  SayWarnings(results);
  // Those whose videos are gone, too.
  const auto count_in = [&](const char* partition) {
    return std::count_if(
        plan.record.begin(), plan.record.end(), [&](const auto& clip) {
          return clip.second.table == table && failed.count(clip.first) == 0 &&
                 absl::StartsWith(clip.first, partition);
        });
  };
  const auto in_train = count_in("train/"), in_test = count_in("test/");
  const size_t cut = results.size() - failed.size();
  std::printf("%zu cut, %zu kept, %zu failed; %lld in train, %lld in test\n",
              cut, in_train + in_test - cut, failed.size(),
              static_cast<long long>(in_train),
              static_cast<long long>(in_test));
  if (failed.empty() && (in_train == 0 || in_test == 0)) {
    Say(absl::StrCat(
        "warning: no clip is in ",
        in_test == 0 ? "test, and training measures itself on some" : "train",
        "; the column partition of --list, or --test, says where a clip goes"));
  }
  if (failed.empty()) {
    if (in_train > 0 && in_test > 0) SayHowToTrain(options);
    return absl::OkStatus();
  }
  // Of the first, so that the exit code says whether another try may help.
  return absl::Status(first.code(),
                      absl::StrCat(failed.size(), " of ", results.size(),
                                   " clips could not be cut"));
}

// Takes the clips that could not be cut out of the record.
absl::Status ForgetFailed(const std::vector<tools::CutResult>& results,
                          const tools::CutOptions& options,
                          tools::ClipRecord record) {
  size_t removed = 0;
  for (const tools::CutResult& result : results) {
    if (result.status.ok()) continue;
    removed += record.erase(tools::ClipKey(*result.spec, options));
  }
  if (removed == 0) return absl::OkStatus();
  return tools::WriteClipRecord(options.output_folder, record);
}

// What --videos names.
struct Videos {
  std::string folder;
  std::vector<std::string> names;  // in the folder
  std::string table;  // in the record of what is cut without a table
};

absl::StatusOr<Videos> VideosAt(const std::string& path, bool has_list) {
  namespace files = networks::files;
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    if (has_list) {
      return Usage(
          "--videos is one video; the videos that a --list names are in a "
          "folder");
    }
    const std::string name = files::BaseName(path);
    return Videos{files::FolderOf(path), {name}, name};
  }
  ASSIGN_OR_RETURN(std::vector<std::string> names, files::ListFolder(path));
  // "." and "..", which an installed program is given, name no folder.
  const std::string folder =
      std::filesystem::absolute(path, error).lexically_normal();
  return Videos{path, std::move(names),
                absl::StrCat(files::BaseName(folder), "/")};
}

// Whether the data set has a test clip of the whole video `name`, with or
// without its ending.
bool HasTestClip(const std::string& data_set, const std::string& name) {
  for (const std::string& clip : {name, networks::files::Stem(name)}) {
    for (const char* ending : {".mp4", "/"}) {
      const std::string key = absl::StrCat("test/", clip, ending);
      std::error_code error;
      if (tools::NameOfClip(key) &&
          std::filesystem::exists(absl::StrCat(data_set, "/", key), error)) {
        return true;
      }
    }
  }
  return false;
}

// What is asked for: by the table `list`, or, if that is empty, by all videos.
absl::StatusOr<std::vector<tools::ClipSpec>> WantedClips(
    const std::string& list, const Videos& videos,
    const std::string& data_set) {
  if (!list.empty()) {
    ASSIGN_OR_RETURN(const std::string csv,
                     networks::files::ReadNonEmptyFile(list));
    return tools::ParseClipList(csv, list);
  }
  std::set<std::string> known(videos.names.begin(), videos.names.end());
  for (const std::string& video : videos.names) {
    known.insert(networks::files::Stem(video));
  }
  const std::vector<std::string> test = pipelines::NamesWithCommas(
      absl::GetFlag(FLAGS_test), [&](const std::string& name) {
        return known.count(name) > 0 || HasTestClip(data_set, name);
      });
  ASSIGN_OR_RETURN(const tools::WholeVideos whole,
                   tools::ClipsOfVideos(videos.folder, videos.names, test));
  // A clip is kept when its video has left the folder.
  for (const std::string& name : whole.missing) {
    if (HasTestClip(data_set, name)) continue;
    return Usage(absl::StrCat("--test names ", name, ", but ", videos.folder,
                              " holds no such video"));
  }
  for (size_t i = 0; i < whole.skipped.size() && i < kListed; ++i) {
    Say(absl::StrCat("skipped ", videos.folder, "/", whole.skipped[i],
                     ", which is no video"));
  }
  return whole.specs;
}

// Says in each of `specs` where its video is.
absl::Status FindVideos(const Videos& videos,
                        std::vector<tools::ClipSpec>* specs) {
  std::map<std::string, std::string> found;
  for (tools::ClipSpec& spec : *specs) {
    std::string& video = found[spec.file];
    if (video.empty()) {
      ASSIGN_OR_RETURN(
          video, tools::FindVideo(videos.folder, spec.file, videos.names));
    }
    spec.video = video;
  }
  return absl::OkStatus();
}

absl::Status Cut(const std::string& list, const std::string& path,
                 const tools::CutOptions& options) {
  namespace files = networks::files;
  ASSIGN_OR_RETURN(const Videos videos, VideosAt(path, !list.empty()));
  ASSIGN_OR_RETURN(std::vector<tools::ClipSpec> specs,
                   WantedClips(list, videos, options.output_folder));
  RETURN_IF_ERROR(FindVideos(videos, &specs));
  const std::string& folder = options.output_folder;
  for (const char* part : {"/train", "/test"}) {
    RETURN_IF_ERROR(files::MakeFolder(folder + part));
  }
  files::LockOptions lock_options;
  lock_options.subject = folder;
  lock_options.doing = "is cutting clips into it";
  ASSIGN_OR_RETURN(
      const files::FileLock lock,
      files::FileLock::Take(folder + "/.cut_clips-lock", lock_options));
  // Of runs that were killed, also of clips that are no longer asked for.
  for (const char* part : {"", "/train", "/test"}) {
    files::RemoveAbandoned(folder + part);
  }
  ASSIGN_OR_RETURN(const tools::ClipRecord record,
                   tools::ReadClipRecord(folder));
  const std::string table = list.empty() ? videos.table : files::BaseName(list);
  const tools::CutPlan plan = tools::MakePlan(specs, table, record, options);
  std::vector<std::string> inputs;
  if (!list.empty()) inputs.push_back(list);
  for (const tools::ClipSpec& spec : specs) {
    inputs.push_back(spec.video);
  }
  RETURN_IF_ERROR(CheckOutputs(plan, inputs, options));
  if (absl::GetFlag(FLAGS_overwrite)) {
    RETURN_IF_ERROR(CheckCanBeCutAnew(plan, folder));
  }
  RETURN_IF_ERROR(RemoveStale(plan.stale, folder));
  RETURN_IF_ERROR(tools::WriteClipRecord(folder, plan.record));
  for (const std::string& shared : tools::SharedFrames(specs, options)) {
    Say(absl::StrCat("warning: ", shared));
  }
  for (const std::string& shared :
       tools::SharedWithOthers(specs, plan.record, options)) {
    Say(absl::StrCat("warning: ", shared));
  }
  const std::vector<tools::CutResult> results = CutPlanned(plan, options);
  absl::Status status = Summary(table, plan, results, options);
  status.Update(ForgetFailed(results, options, plan.record));
  return status;
}

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"What is cut", {"videos", "test", "list", "unit"}},
          {"What comes out", {"output", "size", "png", "crf", "overwrite"}}};
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(line)));
  ASSIGN_OR_RETURN(const tools::CutOptions options, OptionsFromFlags());
  const std::string list = absl::GetFlag(FLAGS_list);
  const std::string videos = absl::GetFlag(FLAGS_videos);
  return Cut(list.empty() ? "" : pipelines::UserPath(list),
             pipelines::UserPath(videos.empty() ? "." : videos), options);
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"cut_clips", kUsage, __FILE__, FlagGroups()},
                               argc, argv, Run);
}
