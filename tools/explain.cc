// tools/bazelw run //tools:explain: see kUsage.
#include <c10/core/Device.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "pipelines/animation/framing.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/config/frame_size.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/explanation/explanation_page.h"
#include "pipelines/explanation/read_pair.h"
#include "pipelines/explanation/stages.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

// --- What is explained
ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint: a training run's folder or one of its files, a file "
          "of the original code or its predecessor (.pth.tar), or the name of "
          "fetched weights (tps-vox). Empty: the one that comes with this "
          "program, trained on drawn puppets.");
ABSL_FLAG(std::string, frame, "",
          "The frame of a driving video, from 0. Empty: the one that differs "
          "most from the first.");
ABSL_FLAG(std::string, mode, "auto",
          "relative: the source moves as the driving figure has moved since "
          "its video's first frame. standard: it takes the driving keypoints "
          "as they are. auto: relative for a video, standard for a picture and "
          "for the example.");
ABSL_FLAG(std::string, motion, "",
          absl::StrCat("Another motion model for the same weights: ",
                       pipelines::MotionFlagHelp()));
ABSL_FLAG(std::string, crop, "centre",
          "What the model sees of both: centre (the largest centred part with "
          "its aspect), face, or none (all, squeezed).");
ABSL_FLAG(std::string, model_size, "",
          "The size at which the model sees frames, as 384 or 512x384, where "
          "the checkpoint does not say it.");

// --- What comes out
ABSL_FLAG(std::string, output, "explained", "Folder for page and pictures.");
ABSL_FLAG(int, tile, 256, "Pixels of a picture's longer side, 64 to 1024.");
ABSL_FLAG(bool, overwrite, false, "Replace a page that exists.");

// --- How
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");

namespace {

constexpr char kUsage[] =
    R"(Shows how a frame is made: a page with pictures of every stage.

  tools/bazelw run //tools:explain
      a bundled puppet, moved by another one's dance
  tools/bazelw run //tools:explain -- me.png talk.mp4 --checkpoint tps-vox \
      --crop face --output explained
      SOURCE and DRIVING of your own: a picture each, or of DRIVING a video's
      frame

The page, index.html in the output folder, has the keypoints of both frames, the
motion that each keypoint set proposes (CPAB's triangles and a grid, straight
and deformed), which motion each pixel takes, the dense motion, what has to be
painted, the warped source and the painted frame.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

constexpr int kSmallestTile = 64, kLargestTile = 1024;

using pipelines::BadFlag;
using pipelines::OfFlag;

struct Request {
  std::string source, driving, output;
  std::string checkpoint;  // empty: the program's own
  pipelines::ReadPairOptions pair;
  std::optional<pipelines::MotionConfig> motion;
  std::optional<pipelines::FrameSize> model_size;
  int tile = 0;
  c10::Device device = c10::kCPU;
};

absl::Status SetPair(const pipelines::CommandLine& line, Request* request) {
  const std::vector<std::string>& words = line.arguments;
  if (!words.empty() && words.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "give SOURCE and DRIVING, or neither for an example; ", words.size(),
        words.size() == 1 ? " is" : " are", " given; see --help"));
  }
  request->source = words.empty() ? pipelines::ExampleSource()
                                  : pipelines::UserPath(words[0]);
  request->driving = words.empty() ? pipelines::ExampleDriving()
                                   : pipelines::UserPath(words[1]);
  std::string mode = absl::GetFlag(FLAGS_mode);
  if (words.empty() && mode == "auto") {
    mode = pipelines::DefaultMode(/*is_example=*/true);
  }
  ASSIGN_OR_RETURN(request->pair.mode,
                   OfFlag("mode", pipelines::ParsePairMode(mode)));
  ASSIGN_OR_RETURN(
      request->pair.crop,
      OfFlag("crop", pipelines::ParseCropMode(absl::GetFlag(FLAGS_crop))));
  request->pair.stop = [] { return pipelines::StopSignal() != 0; };
  const std::string frame = absl::GetFlag(FLAGS_frame);
  if (frame.empty()) return absl::OkStatus();
  int64_t number = 0;
  if (!absl::SimpleAtoi(frame, &number) || number < 0) {
    return BadFlag("frame is '", frame, "'; use a number from 0");
  }
  request->pair.frame = number;
  return absl::OkStatus();
}

absl::StatusOr<Request> RequestOf(const pipelines::CommandLine& line) {
  Request request;
  RETURN_IF_ERROR(SetPair(line, &request));
  request.checkpoint = pipelines::UserPath(absl::GetFlag(FLAGS_checkpoint));
  request.output = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  if (request.output.empty()) return BadFlag("output is empty; name a folder");
  if (const std::string motion = absl::GetFlag(FLAGS_motion); !motion.empty()) {
    ASSIGN_OR_RETURN(request.motion,
                     OfFlag("motion", pipelines::ParseMotion(motion)));
  }
  if (const std::string size = absl::GetFlag(FLAGS_model_size); !size.empty()) {
    ASSIGN_OR_RETURN(request.model_size,
                     OfFlag("model_size", pipelines::ParseFrameSize(size)));
  }
  request.tile = absl::GetFlag(FLAGS_tile);
  if (request.tile < kSmallestTile || request.tile > kLargestTile) {
    return BadFlag("tile is ", request.tile, "; use ", kSmallestTile, " to ",
                   kLargestTile);
  }
  ASSIGN_OR_RETURN(request.device,
                   pipelines::SelectDevice(absl::GetFlag(FLAGS_device)));
  RETURN_IF_ERROR(pipelines::SetThreads(absl::GetFlag(FLAGS_threads)));
  return request;
}

absl::Status CheckOutputs(const Request& request,
                          const std::string& checkpoint) {
  networks::files::PlannedOutputs planned;
  planned.files = pipelines::ExplanationFiles(request.output);
  planned.makes_folders = true;
  planned.inputs = {request.source, request.driving, checkpoint};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  return pipelines::CheckUserOutputs(planned);
}

absl::StatusOr<pipelines::TrainedModel> LoadModel(
    const Request& request, const std::string& checkpoint) {
  ASSIGN_OR_RETURN(pipelines::TrainedModel trained,
                   pipelines::LoadTrainedModel(checkpoint, request.device));
  pipelines::AllowTf32(trained.config.training().tf32());
  if (request.model_size) {
    RETURN_IF_ERROR(pipelines::UsageError(
        pipelines::SetFrameSize(*request.model_size, &trained.config)));
  }
  if (request.motion) {
    RETURN_IF_ERROR(pipelines::UsageError(
        pipelines::ChooseMotion(*request.motion, &trained)));
  }
  return trained;
}

// What the page says about the inputs.
std::string Subtitle(const Request& request, const std::string& checkpoint,
                     const pipelines::PairOfFiles& read,
                     const pipelines::TrainedModel& trained) {
  using networks::files::BaseName;
  return absl::StrCat(
      BaseName(request.source), " as frame ", read.frame, " of ",
      BaseName(request.driving), " moves it; checkpoint ", BaseName(checkpoint),
      ", ", trained.config.data().width(), "x", trained.config.data().height(),
      ", motion model ", pipelines::MotionName(trained.config.model().local()));
}

void Warn(std::vector<std::string> warnings, const std::string& checkpoint,
          const pipelines::TrainedModel& trained) {
  if (const std::string unpainted = pipelines::UnpaintedWarning(trained);
      !unpainted.empty()) {
    warnings.push_back(absl::StrCat(checkpoint, ": ", unpainted));
  }
  for (const std::string& warning : warnings) {
    pipelines::PrintLine(stderr, absl::StrCat("explain: warning: ", warning));
  }
}

absl::Status Run(const pipelines::CommandLine& line) {
  ASSIGN_OR_RETURN(Request request, pipelines::UsageError(RequestOf(line)));
  RETURN_IF_ERROR(pipelines::CheckAddressSpace());
  ASSIGN_OR_RETURN(
      const std::string checkpoint,
      pipelines::CheckpointAt(request.checkpoint.empty()
                                  ? pipelines::PretrainedCheckpoint()
                                  : request.checkpoint));
  RETURN_IF_ERROR(CheckOutputs(request, checkpoint));
  pipelines::CatchStopSignals();
  ASSIGN_OR_RETURN(const pipelines::TrainedModel trained,
                   LoadModel(request, checkpoint));
  request.pair.frame_size = {trained.config.data().width(),
                             trained.config.data().height()};
  ASSIGN_OR_RETURN(
      const pipelines::PairOfFiles read,
      pipelines::ReadPair(request.source, request.driving, request.pair));
  Warn(read.warnings, checkpoint, trained);
  ASSIGN_OR_RETURN(
      const pipelines::Stages stages,
      pipelines::ComputeStages(trained, read.pair, request.device));
  RETURN_IF_ERROR(pipelines::WriteExplanation(
      request.output, stages, Subtitle(request, checkpoint, read, trained),
      request.tile));
  pipelines::PrintLine(
      stdout,
      absl::StrCat("explain: frame ", read.frame, " of ",
                   networks::files::BaseName(request.driving), ": open ",
                   request.output, "/index.html in a browser"));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"explain",
       kUsage,
       __FILE__,
       {{"What is explained",
         {"checkpoint", "frame", "mode", "motion", "crop", "model_size"}},
        {"What comes out", {"output", "tile", "overwrite"}},
        {"How", {"device", "threads"}}}},
      argc, argv, Run);
}
