// What each motion model can say at best, whatever a network learns: see
// kUsage.
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdio>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/folder.h"
#include "networks/sampling.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/shipped_file.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/model/motion_model.h"
#include "pipelines/puppets/truth.h"
#include "pipelines/study/study.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, study, "motion-accuracy",
          "The variants to compare: a study file (*.textproto), or the name of "
          "a shipped one. Its config must use the bundled puppets.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of every variant's config, "
          "as in --set data.puppets.num_test=2. May be given many times.");

namespace pipelines {
namespace {

using torch::Tensor;

constexpr char kUsage[] = R"(What motion models can say at best.

  tools/bazelw run //pipelines/study:motion_accuracy

True keypoints of the bundled puppets, five on each limb, are given to each
motion model of a study; every pixel of the puppet takes the candidate that
suits it best. What is left is what the model cannot represent, whatever a
network learns. Nothing is trained.

Exit codes: 0 done, 1 bad input, 2 bad flag or study; 129 disk full or folder
read-only.)";

constexpr int kSize = 32;        // pixels a side at which motion is compared
constexpr int kFrameStep = 4;    // of the driving frames
constexpr int kLimbs = 5;        // both arms, both legs, head and body
constexpr double kNoise = 0.03;  // of wrong keypoints, [-1, 1]
constexpr double kLargeMotion = 0.3;

// Of all pairs of the first frame of a clip and a later one.
struct Pairs {
  Tensor driving, source;  // [N, 25, 2] keypoints
  Tensor flow;             // [N, pixels, 2], true source_from_driving
  Tensor on_puppet;        // [N, pixels] bool, and visible in the source
};

// [25, 2]: joints and the middles between them.
Tensor LimbKeypoints(const puppets::FrameTruth& frame) {
  std::vector<float> xy;
  const auto add = [&](int a, int b) {
    const auto& p = frame.joints[a].position;
    const auto& q = frame.joints[b].position;
    xy.push_back(static_cast<float>((p.x + q.x) / 2));
    xy.push_back(static_cast<float>((p.y + q.y) / 2));
  };
  for (const int root : {puppets::kLeftShoulder, puppets::kRightShoulder,
                         puppets::kLeftHip, puppets::kRightHip}) {
    add(root, root);
    add(root, root + 1);
    add(root + 1, root + 1);
    add(root + 1, root + 2);
    add(root + 2, root + 2);
  }
  add(puppets::kHeadTop, puppets::kHeadTop);
  add(puppets::kNeck, puppets::kNeck);
  add(puppets::kLeftShoulder, puppets::kNeck);
  add(puppets::kRightShoulder, puppets::kNeck);
  add(puppets::kLeftHip, puppets::kRightHip);
  return torch::tensor(xy).view({-1, 2});
}

absl::StatusOr<Pairs> ReadPairs(const std::string& folder) {
  std::vector<Tensor> driving, source, flow, on_puppet;
  // In order, so that each pair has the same noise on each machine.
  ASSIGN_OR_RETURN(const std::vector<std::string> clips,
                   networks::files::ListFolder(folder));
  for (const std::string& clip : clips) {
    ASSIGN_OR_RETURN(const puppets::Truth truth,
                     puppets::ReadTruth(absl::StrCat(folder, "/", clip)));
    for (int frame = kFrameStep; frame < static_cast<int>(truth.frames.size());
         frame += kFrameStep) {
      const cv::Mat motion = puppets::SourceFromDriving(truth, 0, frame, kSize);
      const cv::Mat layers = puppets::TopLayers(truth, frame, kSize);
      const Tensor values =
          torch::from_blob(motion.data, {kSize * kSize, 3}).clone();
      const Tensor layer =
          torch::from_blob(layers.data, {kSize * kSize}, torch::kInt32).clone();
      driving.push_back(LimbKeypoints(truth.frames[frame]));
      source.push_back(LimbKeypoints(truth.frames[0]));
      flow.push_back(values.slice(1, 0, 2));
      on_puppet.push_back(
          torch::logical_and(values.select(1, 2) > 0, layer > 0));
    }
  }
  if (driving.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder, ": its clips have no ", kFrameStep + 1,
        " frames, of which a pair is the first and the last; use more in "
        "data.puppets.frames_per_clip"));
  }
  return Pairs{torch::stack(driving), torch::stack(source), torch::stack(flow),
               torch::stack(on_puppet)};
}

struct Score {
  double all;
  double large_motion;
  double with_global;  // all, with the global candidate too
};

// [pixels, 2]
Tensor Grid() {
  return networks::CoordinateGrid(kSize, kSize, torch::kFloat32).view({-1, 2});
}

// [N, pixels] bool: those of the puppet that come from far away.
Tensor LargeMotion(const Pairs& pairs) {
  return torch::logical_and(pairs.on_puppet,
                            (pairs.flow - Grid()).norm(2, -1) > kLargeMotion);
}

absl::StatusOr<Score> ScoreModel(const ModelConfig& config, const Pairs& pairs,
                                 const Tensor& source) {
  const Tensor grid = Grid();
  ASSIGN_OR_RETURN(const auto local, MakeMotionModel(config.local()));
  ASSIGN_OR_RETURN(const auto global, MakeMotionModel(config.global()));
  const int64_t count = pairs.driving.size(0);
  const Tensor fields = local
                            ->Infer(pairs.driving.view({count * kLimbs, -1, 2}),
                                    source.view({count * kLimbs, -1, 2}), grid)
                            .moved.view({count, kLimbs, -1, 2});
  const Tensor whole = global->Infer(pairs.driving, source, grid).moved;
  const auto distance = [&pairs](const Tensor& candidates) {
    return (candidates - pairs.flow.unsqueeze(1)).norm(2, -1).amin(1);
  };
  const auto mean = [](const Tensor& error, const Tensor& where) {
    return error.masked_select(where).mean().item<double>();
  };
  const Tensor error = distance(fields);
  return Score{mean(error, pairs.on_puppet), mean(error, LargeMotion(pairs)),
               mean(torch::minimum(error, distance(whole.unsqueeze(1))),
                    pairs.on_puppet)};
}

absl::Status Compare(const StudyPlan& plan) {
  const torch::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(const std::string folder,
                   TestDataFolder(plan.runs[0].config.data()));
  ASSIGN_OR_RETURN(const Pairs pairs, ReadPairs(folder + "/truth/test"));
  if (!LargeMotion(pairs).any().item<bool>()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: no puppet moves by more than %g; use more clips "
                        "(data.puppets.num_test)",
                        folder, kLargeMotion));
  }
  torch::manual_seed(0);
  const Tensor noisy = pairs.source + kNoise * torch::randn_like(pairs.source);
  std::printf("%-26s %18s %18s %18s\n", "", "all pixels", "moved far",
              "all, with global");
  for (size_t i = 0; i < plan.variants.size(); ++i) {
    const ModelConfig& model = plan.runs[i].config.model();
    ASSIGN_OR_RETURN(const Score exact, ScoreModel(model, pairs, pairs.source));
    ASSIGN_OR_RETURN(const Score wrong, ScoreModel(model, pairs, noisy));
    std::printf("%-26s %8.4f (%.4f)  %8.4f (%.4f)  %8.4f (%.4f)\n",
                plan.variants[i].c_str(), exact.all, wrong.all,
                exact.large_motion, wrong.large_motion, exact.with_global,
                wrong.with_global);
  }
  std::printf("mean distances in [-1, 1]; in brackets, keypoints off by %g\n",
              kNoise);
  return absl::OkStatus();
}

bool HasKeypointSets(const Config& config) {
  return config.model().has_num_transforms() ||
         config.model().has_keypoints_per_transform();
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  RETURN_IF_ERROR(UsageError(RefuseDecided(
      line.overrides, HasKeypointSets,
      "the puppets, whose five limbs have five true keypoints each,")));
  ASSIGN_OR_RETURN(
      const std::string path,
      UsageError(ShippedOrUserFile("study", "pipelines/study/shipped",
                                   absl::GetFlag(FLAGS_study))));
  ASSIGN_OR_RETURN(const StudyPlan plan,
                   UsageError(LoadStudy(path, /*output=*/"", line.overrides)));
  RETURN_IF_ERROR(CheckAddressSpace());
  return Compare(plan);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram({"motion_accuracy", pipelines::kUsage, __FILE__},
                               argc, argv, pipelines::Run);
}
