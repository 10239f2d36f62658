// One training step: model, objective, optimizer and weight average, on one
// process or several.
#ifndef PIPELINES_TRAINING_LEARNER_H_
#define PIPELINES_TRAINING_LEARNER_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/loader.h"
#include "pipelines/model/model.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/optimizer/loss_scale.h"
#include "pipelines/optimizer/weight_average.h"
#include "pipelines/parallel/gradient_reducer.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/training/objective.h"
#include "pipelines/training/stage_timer.h"
#include "pipelines/training/step_report.h"

namespace pipelines {

// What all processes must know alike before a step's end.
struct StepNews {
  bool stop = false;           // some process was asked to stop
  double trained_seconds = 0;  // by the clock of rank 0
};

struct StepResult {
  StepReport report;  // means over the step's batches and all processes
  StepNews news;
  LossScale loss_scale;  // of the next step, for FLOAT16
};

// What a run teaches, with all that a step changes: the model, its optimizer,
// the average of its weights; and the steps. It knows neither data nor files.
// One thread at a time; in a run of several processes each has one, and all
// take the same steps.
class Learner {
 public:
  // A new model by the config's seed. `group` is null for one process. The
  // errors of AnimationModel::Create, Freeze and Objective::Create;
  // InvalidArgument if all parts are frozen, or for FLOAT16 on the CPU.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(
      const Config& config, torch::Device device,
      std::shared_ptr<parallel::ProcessGroup> group);

  // One step on config.training.accumulation batches of this process, as the
  // `step`-th (from 0) of the run. The model must be in train mode.
  //
  // With FLOAT16, a step whose gradients are not finite at the loss scale at
  // hand changes that scale and no parameter, nor its average. As with
  // torch.amp.GradScaler, its forward pass has moved the batch norms'
  // statistics, which are those of the batches by the weights at hand.
  //
  // OutOfRange naming the loss, or the parameter whose gradient, is not finite
  // (the gradient with another precision than FLOAT16); InvalidArgument if only
  // frozen parts have a share in the step's losses; Unavailable if another
  // process is lost (on CPUs: see parallel/process_group.h): then all is as
  // before the step, fit to be saved.
  absl::StatusOr<StepResult> Step(const std::vector<data::Batch>& batches,
                                  int64_t step, const StepNews& news,
                                  StageTimer& timer);

  // Computes the gradients of a step, as Step does as the `step`-th of the run,
  // and undoes all that it changed: for whoever wants to know how long it
  // takes. A collective. A loss that is not finite is no error here;
  // Unavailable as of Step.
  absl::Status Rehearse(const std::vector<data::Batch>& batches, int64_t step);

  // The names and kinds of what every step reports, in order.
  StepReport Layout() const;

  AnimationModel& model() { return *model_; }
  std::shared_ptr<AnimationModel> shared_model() { return model_; }
  const Objective& objective() const { return objective_; }
  // Null where the config keeps none.
  WeightAverage* average() { return average_ ? &*average_ : nullptr; }
  // The average begins anew, at the weights that the model has now.
  void RestartAverage();
  // Of a run that goes on.
  void SetLossScale(const LossScale& scale) { loss_scale_ = scale; }
  Learnt learnt() { return {model_.get(), &adam_, average()}; }

 private:
  Learner(const Config& config, torch::Device device,
          std::shared_ptr<AnimationModel> model, Objective objective,
          std::shared_ptr<parallel::ProcessGroup> group);

  // What a batch measured, as scalars on the device: the total, the terms, the
  // diagnostics.
  struct Measured {
    std::vector<std::string> terms;
    std::vector<torch::Tensor> scalars;
  };
  struct GradientResult {
    StepResult step;
    std::vector<double> norms;  // the largest gradient of each network
  };

  absl::StatusOr<GradientResult> ComputeGradients(
      const std::vector<data::Batch>& batches, int64_t step,
      const StepNews& news, StageTimer& timer);
  std::string NameBadWeights() const;
  absl::Status BadGradient(int64_t step) const;
  torch::Tensor OnDevice(const torch::Tensor& images) const;
  Measured Measure(const StepOutput& output) const;
  // Waits for the device, once a step: the means over the batches, and the
  // gradients' sizes. *not_finite: names the first loss term that is not.
  StepReport Fetch(const std::vector<Measured>& measured,
                   std::vector<double>* norms, std::string* not_finite) const;
  StepResult Agree(const StepReport& report, const StepNews& news);
  bool scales_loss() const;
  absl::Status FinishStep(double rate, int64_t step, GradientResult* result);
  void ClipAll(const std::vector<double>& norms, StepReport* report);
  std::vector<torch::Tensor> Statistics() const;
  void Undo(const std::vector<torch::Tensor>& statistics);

  Config config_;
  torch::Device device_;
  std::shared_ptr<AnimationModel> model_;
  Objective objective_;
  std::shared_ptr<parallel::ProcessGroup> group_;
  Adam adam_;
  LossScale loss_scale_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<parallel::GradientReducer> reducer_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_LEARNER_H_
