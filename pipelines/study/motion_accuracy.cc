// What each motion model can say at best, whatever a network learns: see
// kUsage.
#include <torch/torch.h>

#include <cstdio>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "networks/sampling.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/model/motion_model.h"
#include "pipelines/puppets/truth.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using torch::Tensor;

constexpr char kUsage[] = R"(What motion models can say at best.

  tools/bazelw run //pipelines/study:motion_accuracy

True keypoints of the bundled puppets, five on each limb, are given to each
model; every pixel of the puppet takes the candidate that suits it best. What is
left is what the model cannot say, whatever a network learns.)";

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
  for (const auto& clip : std::filesystem::directory_iterator(folder)) {
    ASSIGN_OR_RETURN(const puppets::Truth truth,
                     puppets::ReadTruth(clip.path()));
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
  return Pairs{torch::stack(driving), torch::stack(source), torch::stack(flow),
               torch::stack(on_puppet)};
}

struct Score {
  double all;
  double large_motion;
  double with_global;  // all, with the global candidate too
};

absl::StatusOr<Score> ScoreModel(const ModelConfig& config, const Pairs& pairs,
                                 const Tensor& source) {
  const Tensor grid =
      networks::CoordinateGrid(kSize, kSize, torch::kFloat32).view({-1, 2});
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
  const Tensor large = torch::logical_and(
      pairs.on_puppet, (pairs.flow - grid).norm(2, -1) > kLargeMotion);
  const Tensor error = distance(fields);
  return Score{mean(error, pairs.on_puppet), mean(error, large),
               mean(torch::minimum(error, distance(whole.unsqueeze(1))),
                    pairs.on_puppet)};
}

struct Model {
  const char* name;
  std::vector<std::string> overrides;
};

absl::StatusOr<Config> ConfigOf(const Model& model) {
  return LoadConfig("pipelines/config/shipped/demo.textproto", model.overrides);
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  const torch::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(const Config demo, ConfigOf({"demo", {}}));
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(demo.data()));
  ASSIGN_OR_RETURN(const Pairs pairs, ReadPairs(folder + "/truth/test"));
  torch::manual_seed(0);
  const Tensor noisy = pairs.source + kNoise * torch::randn_like(pairs.source);
  std::printf("%-26s %18s %18s %18s\n", "", "all pixels", "moved far",
              "all, with global");
  const std::vector<std::string> fine = {
      "model.local.cpab.cells_x=6", "model.local.cpab.cells_y=6",
      "model.global.cpab.cells_x=10", "model.global.cpab.cells_y=10"};
  const std::vector<std::string> loose = {
      "model.local.cpab.tension=24", "model.global.cpab.tension=24",
      "model.local.cpab.keypoint_noise=0.03",
      "model.global.cpab.keypoint_noise=0.03"};
  std::vector<std::string> loose_and_fine = loose;
  loose_and_fine.insert(loose_and_fine.end(), fine.begin(), fine.end());
  for (const Model& model : std::vector<Model>{
           {"affine", {"model.local=affine {}", "model.global=affine {}"}},
           {"thin-plate",
            {"model.local=thin_plate {}", "model.global=thin_plate {}"}},
           {"B-spline", {"model.local=bspline {}", "model.global=bspline {}"}},
           {"CPAB", {}},
           {"CPAB, prior at rest",
            {"model.local.cpab.prior_length=0.3",
             "model.local.cpab.prior_gradient=0.3",
             "model.global.cpab.prior_gradient=0.3"}},
           {"CPAB, tension 24",
            {"model.local.cpab.tension=24", "model.global.cpab.tension=24"}},
           {"CPAB, 6x6 and 10x10 cells", fine},
           {"CPAB, noise 0.01",
            {"model.local.cpab.keypoint_noise=0.01",
             "model.global.cpab.keypoint_noise=0.01"}},
           {"CPAB, loose", loose},
           {"CPAB, loose, 6x6 and 10x10", loose_and_fine}}) {
    ASSIGN_OR_RETURN(const Config config, ConfigOf(model));
    ASSIGN_OR_RETURN(const Score exact,
                     ScoreModel(config.model(), pairs, pairs.source));
    ASSIGN_OR_RETURN(const Score wrong,
                     ScoreModel(config.model(), pairs, noisy));
    std::printf("%-26s %8.4f (%.4f)  %8.4f (%.4f)  %8.4f (%.4f)\n", model.name,
                exact.all, wrong.all, exact.large_motion, wrong.large_motion,
                exact.with_global, wrong.with_global);
  }
  std::printf("mean distances in [-1, 1]; in brackets, keypoints off by %g\n",
              kNoise);
  return absl::OkStatus();
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram({"motion_accuracy", pipelines::kUsage, __FILE__},
                               argc, argv, pipelines::Run);
}
