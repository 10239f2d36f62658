// One training step: model, objective, optimizer and weight average, on one
// process or several.
#ifndef PIPELINES_TRAINING_LEARNER_H_
#define PIPELINES_TRAINING_LEARNER_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/loader.h"
#include "pipelines/model/model.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/optimizer/weight_average.h"
#include "pipelines/parallel/gradient_reducer.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/training/objective.h"
#include "pipelines/training/stage_timer.h"

namespace pipelines {

// What all processes must know alike before a step's end.
struct StepNews {
  bool stop = false;           // some process was asked to stop
  double trained_seconds = 0;  // by the clock of rank 0
};

// What a step computed; means over its batches and all processes.
struct StepReport {
  double total = 0;
  // Objective::TermNames() in order; NaN for a term that has not started.
  std::vector<double> terms;
  // Largest absolute gradient of each of PartNames(), before clipping.
  std::vector<double> gradients;
  double learning_rate = 0;
  double fit_residual = 0;
  double fit_iterations = 0;
  double parts_in_use = 0;  // losses/balance.h
  StepNews news;
};

class Learner {
 public:
  // A new model by the config's seed. `group` is null for one process. The
  // errors of AnimationModel::Create, Freeze and Objective::Create;
  // InvalidArgument if all parts are frozen.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(
      const Config& config, torch::Device device,
      std::shared_ptr<parallel::ProcessGroup> group);

  // One step on config.training.accumulation batches of this process, as the
  // `step`-th (from 0) of the run. The model must be in train mode.
  //
  // OutOfRange naming the loss that is not finite; InvalidArgument if only
  // frozen parts have a share in the step's losses; Unavailable if another
  // process is lost: then all is as before the step, fit to be saved.
  absl::StatusOr<StepReport> Step(const std::vector<data::Batch>& batches,
                                  int64_t step, const StepNews& news,
                                  StageTimer& timer);

  AnimationModel& model() { return *model_; }
  std::shared_ptr<AnimationModel> shared_model() { return model_; }
  const Objective& objective() const { return objective_; }
  // Null where the config keeps none.
  WeightAverage* average() { return average_ ? &*average_ : nullptr; }
  // The average begins anew, at the weights that the model has now.
  void RestartAverage();
  Learnt learnt() { return {model_.get(), &adam_, average()}; }

  // The networks by their names in checkpoints.
  std::vector<std::string> PartNames() const;

 private:
  Learner(const Config& config, torch::Device device,
          std::shared_ptr<AnimationModel> model, Objective objective,
          std::shared_ptr<parallel::ProcessGroup> group);

  absl::StatusOr<StepReport> ComputeGradients(
      const std::vector<data::Batch>& batches, int64_t step,
      const StepNews& news, StageTimer& timer);
  void AddUp(const StepOutput& output, std::vector<double>* sums,
             std::string* not_finite) const;
  StepReport Agree(std::vector<double> sums, const StepNews& news);
  std::vector<double> ClipAll();
  std::vector<torch::Tensor> Statistics() const;

  Config config_;
  torch::Device device_;
  std::shared_ptr<AnimationModel> model_;
  Objective objective_;
  std::shared_ptr<parallel::ProcessGroup> group_;
  Adam adam_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<parallel::GradientReducer> reducer_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_LEARNER_H_
