// What each motion model can say of the frames of real clips, whatever a
// network learns: see kUsage.
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "losses/photometric.h"
#include "networks/sampling.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/shipped_file.h"
#include "pipelines/config/config.h"
#include "pipelines/data/clip.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/model/candidate_motions.h"
#include "pipelines/study/study.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, study, "motion-ceiling",
          "The variants to compare: a study file (*.textproto), or the name of "
          "a shipped one.");
ABSL_FLAG(std::string, sets, "1,2,5",
          "Numbers of keypoint sets to compare, with commas between.");
ABSL_FLAG(int, steps, 200, "Steps of gradient descent.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of every variant's config, "
          "as in --set data.folder=clips. May be given many times.");

namespace pipelines {
namespace {

using torch::Tensor;

constexpr char kUsage[] =
    R"(What motion models can say of real frames, at their best.

  tools/bazelw run //pipelines/study:motion_ceiling -- --set data.folder=clips

Two pairs of frames of each test clip; for each pair by itself, without a
network, gradient descent looks for the keypoints and the contribution maps that
warp the one into the other. Prints the mean absolute difference that is left,
and that of the half of pairs that differ most. What models differ by here is
about what training can make them differ by. Some 20 seconds a line.

Exit codes: 0 done, 1 bad input, 2 bad flag or study; 129 disk full or folder
read-only.)";

constexpr double kKeypointRate = 0.02;
constexpr double kMapRate = 0.1;
constexpr int64_t kMapSize = 16;  // contribution maps are no finer
constexpr double kSpread = 0.5;   // of the first sets' centres
constexpr double kRadius = 0.3;   // of the first sets

struct Pairs {
  Tensor source, driving;  // [N, 3, H, W]
};

// The first frame of each test clip with the one that differs most from it, and
// with that in the middle.
absl::StatusOr<Pairs> ReadPairs(const Config& config) {
  ASSIGN_OR_RETURN(const std::string folder, TestDataFolder(config.data()));
  ASSIGN_OR_RETURN(const auto test,
                   OpenSplit(folder, "test", config.data(), /*seed=*/0));
  std::vector<Tensor> source, driving;
  for (size_t i = 0; i < test->clips().size(); ++i) {
    ASSIGN_OR_RETURN(const auto clip,
                     test->ReadWholeClip(static_cast<int64_t>(i)));
    for (const size_t frame : {static_cast<size_t>(data::FarthestFrame(*clip)),
                               (clip->frames.size() - 1) / 2}) {
      source.push_back(data::ImageToTensor(clip->frames[0]));
      driving.push_back(data::ImageToTensor(clip->frames[frame]));
    }
  }
  return Pairs{torch::stack(source), torch::stack(driving)};
}

// [sets * per_set, 2]: regular polygons, a single one in the middle.
Tensor FirstKeypoints(int64_t sets, int64_t per_set) {
  const Tensor angle = torch::arange(per_set) * (2 * M_PI / per_set);
  const Tensor ring = kRadius * torch::stack({angle.cos(), angle.sin()}, -1);
  const Tensor centres = sets == 1
                             ? torch::zeros({1, 1, 2})
                             : kSpread * (2 * torch::rand({sets, 1, 2}) - 1);
  return (centres + ring).view({-1, 2});
}

// [N]: mean absolute difference of each pair at its best in `steps` steps.
absl::StatusOr<Tensor> FitPairs(const ModelConfig& config, const Pairs& pairs,
                                int steps) {
  ASSIGN_OR_RETURN(const CandidateMotions motions,
                   CandidateMotions::Create(config));
  const int64_t n = pairs.source.size(0);
  const int64_t height = pairs.source.size(2), width = pairs.source.size(3);
  const int64_t candidates =
      config.num_transforms() + (config.global_transform() ? 2 : 1);
  torch::manual_seed(0);
  // Inverse hyperbolic tangents, so that keypoints stay inside the image.
  const Tensor first =
      FirstKeypoints(config.num_transforms(), config.keypoints_per_transform())
          .atanh()
          .expand({n, -1, 2});
  const Tensor source = first.clone().requires_grad_();
  const Tensor driving = first.clone().requires_grad_();
  const Tensor logits =
      torch::zeros({n, candidates, kMapSize, kMapSize}).requires_grad_();
  torch::optim::Adam keypoint_adam({source, driving},
                                   torch::optim::AdamOptions(kKeypointRate));
  torch::optim::Adam map_adam({logits}, torch::optim::AdamOptions(kMapRate));
  Tensor best = (pairs.source - pairs.driving).abs().mean({1, 2, 3});
  for (int step = 0; step < steps; ++step) {
    const Tensor fields =
        motions(source.tanh(), driving.tanh(), {}, height, width).fields;
    const Tensor maps =
        networks::ResizeBilinear(logits, height, width).softmax(1);
    const Tensor warped =
        networks::Warp(pairs.source, (maps.unsqueeze(-1) * fields).sum(1));
    best = torch::minimum(
        best, (warped - pairs.driving).detach().abs().mean({1, 2, 3}));
    // Sums over pairs, since each learns by itself.
    const Tensor loss =
        static_cast<double>(n) *
        (losses::PhotometricLoss(pairs.driving, warped) +
         losses::MixturePhotometricLoss(
             pairs.driving, networks::WarpByEach(pairs.source, fields), maps));
    keypoint_adam.zero_grad();
    map_adam.zero_grad();
    loss.backward();
    keypoint_adam.step();
    map_adam.step();
  }
  return best;
}

// The study's variants with so many keypoint sets.
absl::StatusOr<StudyPlan> PlanOf(const CommandLine& line, int sets) {
  ASSIGN_OR_RETURN(const std::string path,
                   ShippedOrUserFile("study", "pipelines/study/shipped",
                                     absl::GetFlag(FLAGS_study)));
  std::vector<std::string> overrides = line.overrides;
  overrides.push_back(absl::StrCat("model.num_transforms=", sets));
  // Keypoints are found by descent through the transforms.
  overrides.push_back("model.gradient=IMPLICIT");
  return LoadStudy(path, /*output=*/"", overrides);
}

bool HasNumberOfSets(const Config& config) {
  return config.model().has_num_transforms();
}

bool HasGradient(const Config& config) { return config.model().has_gradient(); }

absl::StatusOr<std::vector<StudyPlan>> PlansFromFlags(const CommandLine& line) {
  RETURN_IF_ERROR(RefuseArguments(line));
  RETURN_IF_ERROR(
      RefuseDecided(line.overrides, HasNumberOfSets, "the numbers of --sets"));
  RETURN_IF_ERROR(RefuseDecided(
      line.overrides, HasGradient,
      "keypoints, which are found by descent through the transforms,"));
  if (absl::GetFlag(FLAGS_steps) < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--steps is ", absl::GetFlag(FLAGS_steps), "; use 1 or more"));
  }
  std::vector<StudyPlan> plans;
  for (const absl::string_view word :
       absl::StrSplit(absl::GetFlag(FLAGS_sets), ',')) {
    int sets = 0;
    if (!absl::SimpleAtoi(word, &sets) || sets < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--sets: '", word,
                       "' is no number of keypoint sets; use some from 1, "
                       "with commas between"));
    }
    ASSIGN_OR_RETURN(plans.emplace_back(), PlanOf(line, sets));
  }
  return plans;
}

absl::Status Compare(const std::vector<StudyPlan>& plans) {
  ASSIGN_OR_RETURN(const Pairs pairs, ReadPairs(plans[0].runs[0].config));
  const Tensor first = (pairs.source - pairs.driving).abs().mean({1, 2, 3});
  // By rank: pairs may differ by the same.
  const Tensor large =
      std::get<1>(first.topk((first.size(0) + 1) / 2));  // indices
  const auto print = [&large](const std::string& name, const Tensor& error) {
    std::printf("%-28s %.4f  %.4f\n", name.c_str(), error.mean().item<double>(),
                error.index_select(0, large).mean().item<double>());
    std::fflush(stdout);
  };
  std::printf("%-28s %s\n", "", "all     the half that differs most");
  print("first frame", first);
  for (const StudyPlan& plan : plans) {
    for (size_t i = 0; i < plan.variants.size(); ++i) {
      const ModelConfig& model = plan.runs[i].config.model();
      ASSIGN_OR_RETURN(const Tensor error,
                       FitPairs(model, pairs, absl::GetFlag(FLAGS_steps)));
      print(absl::StrCat(model.num_transforms(), " sets, ", plan.variants[i]),
            error);
    }
  }
  return absl::OkStatus();
}

absl::Status Run(const CommandLine& line) {
  ASSIGN_OR_RETURN(const std::vector<StudyPlan> plans,
                   UsageError(PlansFromFlags(line)));
  RETURN_IF_ERROR(CheckAddressSpace());
  return Compare(plans);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram({"motion_ceiling", pipelines::kUsage, __FILE__},
                               argc, argv, pipelines::Run);
}
