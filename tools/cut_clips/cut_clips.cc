// Cuts long videos into clips by a table; see kUsage.
#include <sys/stat.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "networks/files/path.h"
#include "networks/files/read_file.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/progress.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"

ABSL_FLAG(std::string, list, "", "CSV table of the clips.");
ABSL_FLAG(std::string, videos, ".", "Folder that holds the table's files.");
ABSL_FLAG(std::string, output, "", "Dataset folder to write to.");
ABSL_FLAG(std::string, unit, "seconds",
          "What start and end count: seconds or frames.");
ABSL_FLAG(int, size, 256,
          "Width and height of the clips in pixels, 2 to 4096; 0 keeps the "
          "size of the box.");
ABSL_FLAG(bool, png, false, "Writes folders of PNGs instead of mp4.");
ABSL_FLAG(int, crf, 12, "Quality of the mp4: 0 lossless, 51 worst.");

namespace {

constexpr char kUsage[] =
    R"(Cuts, crops and resizes long videos into the clips of a dataset.

  cut_clips --list clips.csv --videos FOLDER --output DATASET [flags]

The table's first line names its columns; others are ignored.

  file (or video_id)  a video in --videos; its ending may be left out
  start, end          seconds from the first frame (12.4), or frames from 0 with
                      --unit frames; the end is not part of the clip
  box (or bbox)       left-top-right-bottom in pixels of the upright frame; the
                      whole frame if empty. It is widened about its centre to
                      the aspect of --size, as far as the frame allows.
  name                of the clip; FILE#START-END if empty
  partition           train or test; train if empty. A data set needs both.

  file,start,end,box,partition
  id10001#7w0IBEWc9Qw.mp4,12.4,18.1,180-20-460-300,train

Clips have no sound. Each video is read once, however many clips it has.
Existing clips are left as they are, whatever the flags, so that an interrupted
run can be continued: for another size or box, take another --output. A clip
that cannot be cut is named at the end, and the exit code is 1.
)";

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
  if (absl::GetFlag(FLAGS_list).empty() || options.output_folder.empty()) {
    return Usage("--list and --output are needed; --help tells what they are");
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
  if (unit == "frames") options.unit = tools::ClipUnit::kFrames;
  if (size > 0) options.size = cv::Size(size, size);
  return options;
}

// `file` in `folder`, also if the table leaves its ending out.
std::string FindVideo(const std::string& folder, const std::string& file,
                      const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (networks::files::Stem(name) == file) return folder + "/" + name;
  }
  return absl::StrCat(folder, "/", file);
}

absl::Status Run(const pipelines::CommandLine& command_line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(command_line)));
  ASSIGN_OR_RETURN(const tools::CutOptions options, OptionsFromFlags());
  const std::string list = pipelines::UserPath(absl::GetFlag(FLAGS_list));
  ASSIGN_OR_RETURN(const std::string csv,
                   networks::files::ReadNonEmptyFile(list));
  ASSIGN_OR_RETURN(const std::vector<tools::ClipSpec> specs,
                   tools::ParseClipList(csv, list));
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_videos));
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   networks::files::ListFolder(folder));
  for (const char* part : {"", "/train", "/test"}) {
    mkdir((options.output_folder + part).c_str(), 0777);
  }

  std::map<std::string, std::vector<const tools::ClipSpec*>> by_file;
  for (const tools::ClipSpec& spec : specs) {
    by_file[spec.file].push_back(&spec);
  }
  pipelines::ProgressOptions progress_options;
  progress_options.title = "cutting";
  progress_options.total = static_cast<int>(specs.size());
  progress_options.unit = "clips";
  pipelines::ProgressBar progress(progress_options);
  int done = 0;
  std::vector<absl::Status> errors;
  for (const auto& [file, clips] : by_file) {
    for (const tools::CutResult& result :
         tools::CutClips(FindVideo(folder, file, names), clips, options)) {
      if (!result.status.ok()) errors.push_back(result.status);
      progress.Update(++done);
    }
  }
  progress.Finish();
  for (const absl::Status& error : errors) {
    std::fprintf(stderr, "%s\n", std::string(error.message()).c_str());
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      errors.size(), " of ", specs.size(), " clips could not be cut"));
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"cut_clips", kUsage, __FILE__}, argc, argv,
                               Run);
}
