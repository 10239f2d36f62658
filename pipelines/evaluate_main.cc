// tools/bazelw run //pipelines:evaluate: see kUsage.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "networks/published/digest.h"
#include "networks/weights/mapped_file.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/config/frame_size.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/config/other_data.h"
#include "pipelines/config/validate.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/evaluation/checkpoint_comparison.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/evaluation/evaluation_page.h"
#include "pipelines/evaluation/lpips_metric.h"
#include "pipelines/report/page.h"
#include "pipelines/report/score_table.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(
    std::vector<std::string>, checkpoint, {},
    "A checkpoint of a training run (a .safetensors file, or the run's folder "
    "for its best one), of the paper's original implementation or of its "
    "thin-plate-spline predecessor (.pth.tar), or the name of fetched weights, "
    "as tps-vox. Several, with commas between, are compared in one table.");
ABSL_FLAG(std::string, data, "",
          "Folder with test/, to evaluate on other clips than those of the "
          "checkpoint's config.");
ABSL_FLAG(std::string, model_size, "",
          "The size at which the model sees frames: 384, or 512x384. Empty: "
          "that of the checkpoint's config; checkpoints of the original do not "
          "say theirs and are taken for 256.");
ABSL_FLAG(std::string, motion, "",
          absl::StrCat("Another motion model for the same weights: ",
                       pipelines::MotionFlagHelp()));
ABSL_FLAG(std::string, output, "",
          "File for the scores as JSON, with all that is needed to repeat "
          "them. Without it they are only printed.");
ABSL_FLAG(bool, overwrite, false,
          "Replace an --output or a --page that exists.");
ABSL_FLAG(std::string, page, "",
          "Folder for a page: scores of each clip, pictures of the worst "
          "frames, and test clips moved by other test clips. Of one "
          "checkpoint.");
ABSL_FLAG(std::string, frames, "",
          "Folder for the rebuilt frames, as PNGs in generated/<clip>/, and "
          "the clips' own, in real/<clip>/, for detectors, whose points the "
          "tool pose_metrics compares. Every frame, whatever "
          "evaluation.frame_step says. Of one checkpoint.");
ABSL_FLAG(std::string, lpips, "",
          "Also measures LPIPS: alex (what papers report) or vgg.");
ABSL_FLAG(int, batch_size, 0,
          "Frames computed together; 0 is what the config says.");
ABSL_FLAG(
    bool, print_config, false,
    "Print the checkpoint's config with what the flags change, every field "
    "with its value, and do nothing else.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of the checkpoint's config, "
          "as in --set evaluation.frame_step=4. May be given many times.");

namespace pipelines {
namespace {

constexpr char kUsage[] =
    R"(Reconstructs each test clip from its first frame and scores the result.

  tools/bazelw run //pipelines:evaluate -- \
      --checkpoint runs/demo --page scores
  tools/bazelw run //pipelines:evaluate -- \
      --checkpoint runs/first,runs/second --data clips
      compares two checkpoints on the same clips, in one table

Prints for each clip, worst first, and as means over the frames of all clips: L1
(of values in [0, 1]), PSNR (dB), SSIM, and LPIPS with --lpips. Where the clips
have ground truth, as the bundled puppets do, also how well the motion follows
it, in units in which a frame is 2 wide: joints, the mean distance of joints
carried to the first frame from where they are; PCK, the share of them within
0.1; flow, the mean error of the motion over all pixels whose origin the first
frame shows; puppet flow, over those of the puppet. The last line is the score
of repeating the first frame.

The test clips are those of the config that the checkpoint was trained with,
unless --data names others.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk
full, folder read-only or checkpoint replaced meanwhile, 130 Ctrl-C, 143
SIGTERM.)";

absl::Status CheckFlags(const CommandLine& line) {
  RETURN_IF_ERROR(RefuseArguments(line));
  // Of the rest the checkpoint decides.
  RETURN_IF_ERROR(RefuseOverridesOfTraining(line.overrides, {"evaluation"}));
  const std::vector<std::string> checkpoints =
      PathsWithCommas(absl::GetFlag(FLAGS_checkpoint));
  if (checkpoints.empty()) {
    return absl::InvalidArgumentError("--checkpoint is needed; see --help");
  }
  for (const std::string& checkpoint : checkpoints) {
    if (!checkpoint.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--checkpoint is '", absl::StrJoin(checkpoints, ","),
        "', with a comma too many; name checkpoints with commas between"));
  }
  if (checkpoints.size() > 1 && (!absl::GetFlag(FLAGS_page).empty() ||
                                 !absl::GetFlag(FLAGS_frames).empty())) {
    return absl::InvalidArgumentError(
        "--page and --frames are of one --checkpoint; evaluate one at a time "
        "for them");
  }
  if (absl::GetFlag(FLAGS_print_config) &&
      !(absl::GetFlag(FLAGS_output).empty() &&
        absl::GetFlag(FLAGS_page).empty() &&
        absl::GetFlag(FLAGS_frames).empty())) {
    return absl::InvalidArgumentError(
        "--print_config evaluates nothing, so --output, --page and --frames "
        "have no effect with it; leave it out, or leave them out");
  }
  const std::string lpips = absl::GetFlag(FLAGS_lpips);
  if (!lpips.empty() && lpips != "alex" && lpips != "vgg") {
    return absl::InvalidArgumentError(
        absl::StrCat("--lpips is '", lpips, "'; use alex or vgg"));
  }
  if (const std::string size = absl::GetFlag(FLAGS_model_size); !size.empty()) {
    RETURN_IF_ERROR(ParseFrameSize(size).status());
  }
  if (const std::string motion = absl::GetFlag(FLAGS_motion); !motion.empty()) {
    const absl::Status status = ParseMotion(motion).status();
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--motion: ", status.message()));
    }
  }
  if (absl::GetFlag(FLAGS_batch_size) < 0) {
    return absl::InvalidArgumentError("--batch_size must be 0 or more");
  }
  return absl::OkStatus();
}

// The flags that stand for fields of the config.
absl::Status ApplyFlags(const std::vector<std::string>& overrides,
                        Config* config) {
  EvaluationConfig* evaluation = config->mutable_evaluation();
  // First, so that overrides can name files for this network.
  if (const std::string lpips = absl::GetFlag(FLAGS_lpips); !lpips.empty()) {
    ChooseLpips(lpips == "vgg" ? LpipsConfig::VGG : LpipsConfig::ALEX,
                evaluation);
  }
  RETURN_IF_ERROR(UseOtherData(
      {overrides, absl::GetFlag(FLAGS_data), absl::GetFlag(FLAGS_model_size)},
      config));
  if (const int batch_size = absl::GetFlag(FLAGS_batch_size); batch_size > 0) {
    evaluation->set_batch_size(batch_size);
  }
  // Generated and real frames are paired by their numbers.
  if (!absl::GetFlag(FLAGS_frames).empty()) evaluation->set_frame_step(1);
  return ValidateForEvaluation(*config);
}

// What is known before anything is loaded. A clip's frames are a folder that is
// made as a whole, and replaces none.
networks::files::PlannedOutputs PlanOutputs(
    const std::vector<std::string>& checkpoints) {
  networks::files::PlannedOutputs planned;
  planned.files = {UserPath(absl::GetFlag(FLAGS_output))};
  if (const std::string page = UserPath(absl::GetFlag(FLAGS_page));
      !page.empty()) {
    for (const char* name :
         {"/index.html", "/evaluation.txt", "/evaluation.json"}) {
      planned.files.push_back(page + name);
    }
    planned.filled_folders = {page + "/evaluation"};
  }
  planned.makes_folders = true;
  planned.inputs = checkpoints;
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  return planned;
}

absl::Status CheckOutputsBeside(const data::Dataset& test,
                                networks::files::PlannedOutputs planned) {
  const std::string frames = UserPath(absl::GetFlag(FLAGS_frames));
  for (const data::IndexedClip& clip : test.clips()) {
    planned.inputs.push_back(clip.path);
    if (frames.empty()) continue;
    for (const char* kind : {"/generated/", "/real/"}) {
      planned.folders.push_back(absl::StrCat(frames, kind, clip.name));
    }
  }
  return CheckUserOutputs(planned);
}

absl::Status WritePage(const std::string& folder, const std::string& checkpoint,
                       const Config& config, const Evaluation& evaluation) {
  RunPage page;
  page.title = absl::StrCat(
      "Evaluation of ", std::filesystem::path(checkpoint).filename().string());
  page.subtitle = absl::StrCat(
      "Test clips rebuilt from their first frames, at ", config.data().width(),
      "x", config.data().height(), "; ", checkpoint, ".");
  AddToPage(evaluation, folder, &page);
  page.config = ConfigText(config);
  RETURN_IF_ERROR(WriteScores(folder, evaluation));
  RETURN_IF_ERROR(WriteRunPage(folder, page));
  std::printf("evaluate: look at %s/index.html\n",
              std::filesystem::absolute(folder).c_str());
  return absl::OkStatus();
}

// What the evaluations of all checkpoints share.
struct Work {
  c10::Device device;
  const CommandLine& line;
  networks::files::PlannedOutputs planned;
  WorkHooks hooks;
};

absl::StatusOr<TrainedModel> LoadModel(const std::string& checkpoint,
                                       const Work& work) {
  ASSIGN_OR_RETURN(TrainedModel trained,
                   LoadTrainedModel(checkpoint, work.device));
  if (const std::string motion = absl::GetFlag(FLAGS_motion); !motion.empty()) {
    ASSIGN_OR_RETURN(const MotionConfig chosen, ParseMotion(motion));
    RETURN_IF_ERROR(UsageError(ChooseMotion(chosen, &trained)));
  }
  RETURN_IF_ERROR(UsageError(ApplyFlags(work.line.overrides, &trained.config)));
  return trained;
}

// A checkpoint as it is before any time is spent on it. A run that goes on
// removes and replaces its files meanwhile.
struct Prepared {
  std::string sha256;
  TrainedModel trained;
  std::string folder;
  std::unique_ptr<data::Dataset> test;
};

// Where the clips of a run have moved since a checkpoint of it: the folder that
// the run's config names, as its last session has left it.
void FollowMovedClips(const std::string& checkpoint, const WorkHooks& hooks,
                      TrainedModel* trained) {
  DataConfig* clips = trained->config.mutable_data();
  const auto is_there = [](const std::string& folder) {
    std::error_code error;
    return std::filesystem::is_directory(UserPath(folder), error);
  };
  // By no flag.
  const bool is_of_checkpoint =
      trained->state && clips->has_folder() &&
      absl::GetFlag(FLAGS_data).empty() &&
      clips->folder() == trained->state->config().data().folder();
  if (!is_of_checkpoint || is_there(clips->folder())) return;
  const std::string folder = RunOf(checkpoint);
  if (folder.empty()) return;
  const std::string path = absl::StrCat(folder, "/config.textproto");
  const absl::StatusOr<Config> run = LoadConfig(path, {});
  if (!run.ok() || !run->data().has_folder() ||
      !is_there(run->data().folder())) {
    return;
  }
  hooks.Note(absl::StrCat("the clips of ", checkpoint, " are no longer in ",
                          clips->folder(), "; taking ", run->data().folder(),
                          ", which ", path, " names"));
  clips->set_folder(run->data().folder());
}

// Where a checkpoint's clips are not: how to name them.
absl::Status NameOtherClips(const std::string& checkpoint,
                            const DataConfig& data,
                            const absl::Status& status) {
  if (!absl::IsNotFound(status) || data.has_puppets() ||
      !absl::GetFlag(FLAGS_data).empty()) {
    return status;
  }
  const char first = data.folder()[0];
  return absl::NotFoundError(
      absl::StrCat("data.folder of ", checkpoint, " is '", data.folder(), "'",
                   first == '/' || first == '~'
                       ? ""
                       : ", relative to the folder in which you are",
                   "; --data names another: ", status.message()));
}

absl::StatusOr<Prepared> Prepare(const std::string& checkpoint,
                                 const Work& work) {
  Prepared prepared;
  ASSIGN_OR_RETURN(const auto file,
                   networks::weights::MappedFile::Open(checkpoint));
  ASSIGN_OR_RETURN(prepared.sha256, networks::published::Sha256OfFile(*file));
  ASSIGN_OR_RETURN(prepared.trained, LoadModel(checkpoint, work));
  // The digest and the model are of one file.
  RETURN_IF_ERROR(file->CheckNotReplaced());
  FollowMovedClips(checkpoint, work.hooks, &prepared.trained);
  const Config& config = prepared.trained.config;
  ASSIGN_OR_RETURN(prepared.folder, TestDataFolder(config.data(), work.hooks));
  absl::StatusOr<std::unique_ptr<data::Dataset>> test =
      OpenSplit(prepared.folder, "test", config.data(),
                config.training().seed(), work.hooks);
  RETURN_IF_ERROR(NameOtherClips(checkpoint, config.data(), test.status()));
  prepared.test = *std::move(test);
  RETURN_IF_ERROR(CheckOutputsBeside(*prepared.test, work.planned));
  // Weights of LPIPS that are missing end this before the first evaluation.
  RETURN_IF_ERROR(MakeLpips(config.evaluation()).status());
  return prepared;
}

absl::StatusOr<Evaluation> EvaluateCheckpoint(const std::string& checkpoint,
                                              const Prepared& prepared,
                                              const Work& work) {
  const TrainedModel& trained = prepared.trained;
  if (const std::string unpainted = UnpaintedWarning(trained);
      !unpainted.empty()) {
    work.hooks.Warn(absl::StrCat(checkpoint, ": ", unpainted));
  }
  PrintLine(stdout, absl::StrCat("evaluate: ", prepared.test->clips().size(),
                                 " clips of ", prepared.folder, "/test on ",
                                 DescribeDevice(work.device)));
  AllowTf32(trained.config.training().tf32());
  const std::string page = UserPath(absl::GetFlag(FLAGS_page));
  EvaluationOutputs outputs;
  outputs.frames = UserPath(absl::GetFlag(FLAGS_frames));
  if (!page.empty()) outputs.pictures = absl::StrCat(page, "/evaluation");
  ASSIGN_OR_RETURN(
      Evaluation evaluation,
      Evaluate(trained, work.device, *prepared.test, outputs, work.hooks));
  EvaluationSetting& setting = evaluation.setting;
  setting.set_checkpoint(
      std::filesystem::absolute(checkpoint).lexically_normal());
  setting.set_checkpoint_sha256(prepared.sha256);
  setting.set_command(RepeatedCommand("//pipelines:evaluate", work.line));
  return evaluation;
}

absl::Status WriteJson(const std::string& json) {
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  if (output.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(
      networks::files::MakeFolder(networks::files::FolderOf(output)));
  return networks::files::WriteAtomically(output, json);
}

absl::Status ShowOne(const std::string& checkpoint, const Config& config,
                     const Evaluation& evaluation) {
  PrintLines(stdout, EvaluationText(evaluation.result));
  const std::string page = UserPath(absl::GetFlag(FLAGS_page));
  if (!page.empty()) {
    RETURN_IF_ERROR(WritePage(page, checkpoint, config, evaluation));
  }
  return WriteJson(EvaluationJson(evaluation.result, evaluation.setting));
}

// How the user makes the evaluations alike; empty where no flag does.
std::string Advice(EvaluationDifference difference) {
  switch (difference) {
    case EvaluationDifference::kSizes:
      return "";
    case EvaluationDifference::kClips:
      return "; --data names clips for all";
    case EvaluationDifference::kFrames:
      return "; --set evaluation.frame_step=1 --set evaluation.max_clips=0 "
             "takes all";
    case EvaluationDifference::kLpips:
      return "; --lpips names one for all";
  }
  return "";
}

absl::Status Compare(const std::vector<NamedEvaluation>& evaluations,
                     const WorkHooks& hooks) {
  PrintLines(stdout, ScoreTableText(ComparisonTable(evaluations)));
  for (const ComparisonWarning& warning : ComparisonWarnings(evaluations)) {
    hooks.Warn(absl::StrCat(warning.sentence, Advice(warning.difference)));
  }
  return WriteJson(ComparisonJson(evaluations));
}

absl::Status PrintConfigs(const std::vector<std::string>& checkpoints,
                          const Work& work) {
  for (const std::string& checkpoint : checkpoints) {
    ASSIGN_OR_RETURN(const TrainedModel trained, LoadModel(checkpoint, work));
    std::printf("%s", ResolvedText(trained.config).c_str());
  }
  return absl::OkStatus();
}

absl::Status EvaluateAll(c10::Device device, const CommandLine& line) {
  const std::vector<std::string> names =
      PathsWithCommas(absl::GetFlag(FLAGS_checkpoint));
  std::vector<std::string> checkpoints;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(checkpoints.emplace_back(), CheckpointAt(UserPath(name)));
  }
  ProgramHooks program("evaluate");
  const Work work = {device, line, PlanOutputs(checkpoints), program.hooks()};
  RETURN_IF_ERROR(CheckUserOutputs(work.planned));
  if (absl::GetFlag(FLAGS_print_config)) return PrintConfigs(checkpoints, work);
  // What is wrong with the last shows before hours go into the first.
  std::vector<Prepared> prepared;
  for (const std::string& checkpoint : checkpoints) {
    ASSIGN_OR_RETURN(prepared.emplace_back(), Prepare(checkpoint, work));
  }
  std::vector<NamedEvaluation> evaluations;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    ASSIGN_OR_RETURN(Evaluation evaluation,
                     EvaluateCheckpoint(checkpoints[i], prepared[i], work));
    if (checkpoints.size() == 1) {
      return ShowOne(checkpoints[0], prepared[0].trained.config, evaluation);
    }
    evaluations.push_back({names[i], std::move(evaluation)});
    // Frees its model and its cache of frames.
    prepared[i] = Prepared();
  }
  return Compare(evaluations, work.hooks);
}

std::vector<FlagGroup> FlagGroups() {
  return {{"What is evaluated",
           {"checkpoint", "data", "model_size", "motion", "set"}},
          {"What comes out",
           {"output", "page", "frames", "lpips", "overwrite", "print_config"}},
          {"How", {"batch_size", "device", "threads"}}};
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(CheckFlags(line)));
  RETURN_IF_ERROR(CheckAddressSpace());
  ASSIGN_OR_RETURN(const c10::Device device,
                   UsageError(SelectDevice(absl::GetFlag(FLAGS_device))));
  RETURN_IF_ERROR(UsageError(SetThreads(absl::GetFlag(FLAGS_threads))));
  CatchStopSignals();
  return EvaluateAll(device, line);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"evaluate", pipelines::kUsage, __FILE__, pipelines::FlagGroups()}, argc,
      argv, pipelines::Run);
}
