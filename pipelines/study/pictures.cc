#include "pipelines/study/pictures.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/report/visualize.h"
#include "pipelines/study/runner.h"
#include "pipelines/training/preview.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// In the study's folder.
constexpr char kPredictions[] = "/predictions.png";
constexpr char kMotion[] = "/motion.png";

constexpr int kMaxRows = 10;
constexpr int kTile = 128;  // pixels of the longer side

const StudyRun* FirstFinished(const StudyPlan& plan,
                              const std::string& variant) {
  for (const StudyRun& run : plan.runs) {
    if (run.variant == variant && IsFinished(run)) return &run;
  }
  return nullptr;
}

struct VariantFrames {
  std::string variant;
  torch::Tensor prediction;           // [B, 3, H, W]
  torch::Tensor source_from_driving;  // [B, h, w, 2]
};

absl::StatusOr<VariantFrames> Animate(const StudyRun& run,
                                      const PreviewPairs& pairs) {
  const torch::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(
      const TrainedModel trained,
      LoadTrainedModel(ListCheckpoints(run.folder + "/checkpoints")[0],
                       torch::kCPU));
  AnimationModel& model = *trained.model;
  std::vector<torch::Tensor> predictions, motions;
  for (int64_t i = 0; i < pairs.source.size(0); ++i) {
    const torch::Tensor source = pairs.source.slice(0, i, i + 1);
    const torch::Tensor driving = pairs.driving.slice(0, i, i + 1);
    const PreparedSource prepared = model.PrepareSource(source);
    MoveOptions options;
    options.background = model.PredictBackground(source, driving);
    const Motion motion =
        model.Move(prepared, model.DetectKeypoints(driving), options);
    predictions.push_back(model.Paint(prepared, motion).prediction);
    motions.push_back(motion.blend.source_from_driving);
  }
  return VariantFrames{run.variant, torch::cat(predictions),
                       torch::cat(motions)};
}

// One tile a sample of `batch`.
template <typename MakeTile>
PictureColumn Column(const std::string& label, const torch::Tensor& batch,
                     const MakeTile& make_tile) {
  PictureColumn column{label, {}};
  for (int64_t i = 0; i < batch.size(0); ++i) {
    column.tiles.push_back(make_tile(batch[i]));
  }
  return column;
}

absl::Status WriteGrids(const std::string& output, const PreviewPairs& pairs,
                        const std::vector<VariantFrames>& variants) {
  std::vector<PictureColumn> predictions = {
      Column("source", pairs.source, data::TensorToImage),
      Column("driving", pairs.driving, data::TensorToImage)};
  std::vector<PictureColumn> motion = predictions;
  double longest = 0;  // one scale of colours for all
  for (const VariantFrames& frames : variants) {
    longest = std::max(longest, MaxMotion(frames.source_from_driving));
  }
  for (const VariantFrames& frames : variants) {
    predictions.push_back(
        Column(frames.variant, frames.prediction, data::TensorToImage));
    motion.push_back(Column(
        frames.variant, frames.source_from_driving,
        [&](const torch::Tensor& f) { return FlowToColor(f, longest); }));
  }
  const auto height = static_cast<int>(pairs.source.size(2));
  const auto width = static_cast<int>(pairs.source.size(3));
  const int longer = std::max(height, width);
  const cv::Size tile(width * kTile / longer, height * kTile / longer);
  RETURN_IF_ERROR(
      SavePicture(output + kPredictions, DrawColumns(predictions, tile)));
  return SavePicture(output + kMotion, DrawColumns(motion, tile));
}

}  // namespace

absl::Status WriteStudyPictures(const StudyPlan& plan) {
  std::vector<VariantFrames> variants;
  std::optional<PreviewPairs> pairs;
  for (const std::string& variant : plan.variants) {
    const StudyRun* run = FirstFinished(plan, variant);
    if (run == nullptr) continue;
    if (!pairs) {
      const DataConfig& data = run->config.data();
      ASSIGN_OR_RETURN(const std::string folder, DataFolder(data));
      ASSIGN_OR_RETURN(const std::unique_ptr<data::Dataset> test,
                       OpenSplit(folder, "test", data, run->seed));
      ASSIGN_OR_RETURN(pairs, ReadPreviewPairs(*test, kMaxRows));
    }
    ASSIGN_OR_RETURN(VariantFrames frames, Animate(*run, *pairs));
    variants.push_back(std::move(frames));
  }
  if (variants.empty()) {
    // Those of another config or budget are not this study's.
    for (const char* name : {kPredictions, kMotion}) {
      std::error_code error;
      std::filesystem::remove(plan.output + name, error);
    }
    return absl::OkStatus();
  }
  return WriteGrids(plan.output, *pairs, variants);
}

}  // namespace pipelines
