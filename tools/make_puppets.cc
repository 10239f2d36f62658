// Makes the bundled data set; see kUsage.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/puppets/puppets.h"
#include "third_party/absl/status_macros.h"

using pipelines::puppets::PuppetOptions;

ABSL_FLAG(std::string, output, "", "Folder to make.");
ABSL_FLAG(int, size, PuppetOptions().size,
          "Width and height of a frame in pixels, 16 to 1024.");
ABSL_FLAG(int, train, PuppetOptions().num_train,
          "Training clips, 0 to 100000.");
ABSL_FLAG(int, test, PuppetOptions().num_test, "Test clips, 0 to 100000.");
ABSL_FLAG(int, frames, PuppetOptions().frames_per_clip,
          "Frames a clip, 2 to 1000.");
ABSL_FLAG(uint64_t, seed, PuppetOptions().seed,
          "Equal seeds give equal files.");
ABSL_FLAG(bool, camera, PuppetOptions().camera_motion,
          "Moves the camera: translation, zoom and rotation.");
ABSL_FLAG(bool, flow, PuppetOptions().write_flow,
          "Also writes flow.npy beside each clip's ground truth: float16 "
          "[frames, size, size, 3], where in the first frame each pixel comes "
          "from (x, y in [-1, 1], and 1 where that is visible).");
ABSL_FLAG(int, supersampling, PuppetOptions().supersampling,
          "Samples a pixel and axis, 1 to 8.");

namespace {

constexpr char kUsage[] =
    R"(Makes a data set of moving puppets with ground truth.

  tools/bazelw run //tools:make_puppets -- --output puppets
  tools/bazelw run //tools:make_puppets -- \
      --output puppets256 --size 256 --train 500 --test 50 --camera

Every clip shows another puppet (head, torso, two-segment arms and legs) that
moves through random poses with large joint swings before a textured background.
The folder can be trained on as it is:

  train/00000.png, test/00000.png     one clip a file, its frames side by side
  truth/train/00000/joints.csv        14 joints a frame: place and visibility
  truth/train/00000/layers.csv        where each rigid part is in each frame
  truth/train/00000/outlines.csv      its outline, so that the exact motion of
                                      every pixel can be computed
  truth/train/00000/flow.npy          that motion, with --flow
  manifest.json                       the options; a folder that has it is whole

Coordinates are x right, y down, from -1 to 1 between the centres of the first
and the last pixel. A folder that already holds the same data set is left as it
is; one that holds anything else is not touched.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"How many, and how large",
           {"output", "train", "test", "frames", "size"}},
          {"How they look", {"camera", "seed", "supersampling", "flow"}}};
}

absl::Status Run(const pipelines::CommandLine& command_line) {
  RETURN_IF_ERROR(
      pipelines::UsageError(pipelines::RefuseArguments(command_line)));
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  if (folder.empty()) {
    return pipelines::UsageError(absl::InvalidArgumentError(
        "--output is missing; --help tells what it is"));
  }
  pipelines::puppets::PuppetOptions options;
  options.size = absl::GetFlag(FLAGS_size);
  options.num_train = absl::GetFlag(FLAGS_train);
  options.num_test = absl::GetFlag(FLAGS_test);
  options.frames_per_clip = absl::GetFlag(FLAGS_frames);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.camera_motion = absl::GetFlag(FLAGS_camera);
  options.write_flow = absl::GetFlag(FLAGS_flow);
  options.supersampling = absl::GetFlag(FLAGS_supersampling);
  const absl::Status valid = pipelines::puppets::ValidatePuppetOptions(options);
  if (!valid.ok()) return pipelines::UsageError(valid);

  if (pipelines::puppets::HasPuppets(folder, options)) {
    std::printf("%s was there already, whole\n", folder.c_str());
    return absl::OkStatus();
  }

  pipelines::CatchStopSignals();
  pipelines::ProgramHooks program("make_puppets");
  RETURN_IF_ERROR(
      pipelines::puppets::MakePuppets(folder, options, program.hooks()));
  std::printf("%s\n", folder.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"make_puppets", kUsage, __FILE__, FlagGroups()},
                               argc, argv, Run);
}
