#include "pipelines/training/learner.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/background.h"
#include "networks/batch_norm.h"
#include "networks/channels_last.h"
#include "networks/copy_ahead.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/scoped_seed.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/training/diagnostics.h"
#include "pipelines/training/host_values.h"
#include "pipelines/training/schedule.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// As the backward pass finishes them: the networks that come last in the
// forward pass first, and in each the layers from the last to the first. The
// background predictor has gradients from both ends, so it comes last.
std::vector<torch::Tensor> InBackwardOrder(AnimationModel& model) {
  const ModelParts parts = model.parts();
  std::vector<torch::nn::Module*> order = {
      parts.inpainting.get(), parts.dense_motion.get(), &parts.detector};
  if (model.has_background()) order.push_back(parts.background.get());
  std::vector<torch::Tensor> result;
  for (const torch::nn::Module* part : order) {
    std::vector<torch::Tensor> parameters = part->parameters();
    std::reverse(parameters.begin(), parameters.end());
    for (const torch::Tensor& parameter : parameters) {
      if (parameter.requires_grad()) result.push_back(parameter);
    }
  }
  return result;
}

void ShareBatchNorms(AnimationModel& model,
                     const std::shared_ptr<parallel::ProcessGroup>& group) {
  for (const auto& module : model.modules()) {
    auto* norm = module->as<networks::BatchNorm2dImpl>();
    if (norm == nullptr) continue;
    norm->ShareStatistics(
        [group](const torch::Tensor& x) { return group->DifferentiableSum(x); },
        group->size());
  }
}

absl::Status CheckSomethingTrains(const AnimationModel& model) {
  for (const torch::Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "training.frozen freezes every part of the model, so nothing is left to "
      "train; take one out of it");
}

bool AreFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(value); });
}

bool IsFinite(const torch::Tensor& tensor) {
  const torch::NoGradGuard no_grad;
  return torch::isfinite(tensor).all().item<bool>();
}

// With the initial values of the config's seed, and what it says to freeze.
absl::StatusOr<std::shared_ptr<AnimationModel>> NewModel(const Config& config) {
  const networks::ScopedSeed scope(config.training().seed());
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(config.model()));
  const auto& frozen = config.training().frozen();
  RETURN_IF_ERROR(model->Freeze({frozen.begin(), frozen.end()}));
  RETURN_IF_ERROR(CheckSomethingTrains(*model));
  return model;
}

absl::Status CheckPrecision(const TrainingConfig& training,
                            torch::Device device) {
  if (training.precision() != TrainingConfig::FLOAT16 || !device.is_cpu()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "training.precision is FLOAT16, in which LibTorch does not train on the "
      "CPU; use BFLOAT16 or FLOAT32, or a GPU");
}

constexpr char kLearningRate[] = "learning_rate";

// Of the largest gradient of a network, by its name in checkpoints.
std::string GradientName(const std::string& part) {
  return absl::StrCat("gradient_", part);
}

AdamOptions AdamOptionsOf(const TrainingConfig& training) {
  return {training.beta1(), training.beta2(), 1e-8, training.weight_decay()};
}

void SetRateScales(const LearningRateScales& scales, Adam* adam) {
  adam->SetRateScale("kp_detector", scales.kp_detector());
  adam->SetRateScale("dense_motion_network", scales.dense_motion_network());
  adam->SetRateScale("inpainting_network", scales.inpainting_network());
  adam->SetRateScale("bg_predictor", scales.bg_predictor());
}

// The same in all processes, for the config decides.
absl::Status NothingLearns(int64_t step) {
  return UsageError(absl::InvalidArgumentError(absl::StrCat(
      "step ", step + 1,
      ": no part that trains has a share in the losses of this step; see "
      "training.frozen, training.motion_steps (in which nothing is painted) "
      "and training.background_start_epoch")));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> Learner::Create(
    const Config& config, torch::Device device,
    std::shared_ptr<parallel::ProcessGroup> group) {
  RETURN_IF_ERROR(UsageError(CheckPrecision(config.training(), device)));
  ASSIGN_OR_RETURN(Objective objective, Objective::Create(config, device));
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   UsageError(NewModel(config)));
  model->to(device);
  if (config.training().channels_last()) networks::PutChannelsLast(*model);
  return std::unique_ptr<Learner>(new Learner(config, device, std::move(model),
                                              std::move(objective),
                                              std::move(group)));
}

Learner::Learner(const Config& config, torch::Device device,
                 std::shared_ptr<AnimationModel> model, Objective objective,
                 std::shared_ptr<parallel::ProcessGroup> group)
    : config_(config),
      device_(device),
      model_(std::move(model)),
      objective_(std::move(objective)),
      group_(std::move(group)),
      adam_(*model_, AdamOptionsOf(config.training())) {
  SetRateScales(config.training().learning_rate_scales(), &adam_);
  RestartAverage();
  if (group_ == nullptr) return;
  ShareBatchNorms(*model_, group_);
  reducer_ = std::make_unique<parallel::GradientReducer>(
      group_, InBackwardOrder(*model_));
}

void Learner::RestartAverage() {
  const double decay = config_.training().ema_decay();
  if (decay > 0) average_.emplace(*model_, decay);
}

StepReport Learner::Layout() const {
  StepReport layout;
  layout.Add(kTotalLoss, StepValueKind::kLoss);
  for (const std::string& term : objective_.TermNames()) {
    layout.Add(term, StepValueKind::kLoss);
  }
  layout.Add(kLearningRate, StepValueKind::kOptimizer);
  for (const auto& part : model_->named_children()) {
    layout.Add(GradientName(part.key()), StepValueKind::kOptimizer);
  }
  for (const Diagnostic& diagnostic : Diagnostics()) {
    layout.Add(diagnostic.name, StepValueKind::kDiagnostic);
  }
  return layout;
}

absl::StatusOr<StepResult> Learner::Step(
    const std::vector<data::Batch>& batches, int64_t step, const StepNews& news,
    StageTimer& timer) {
  // With one process, nothing is saved after a step that fails.
  const std::vector<torch::Tensor> statistics =
      group_ == nullptr ? std::vector<torch::Tensor>() : Statistics();
  absl::StatusOr<GradientResult> result;
  try {
    result = ComputeGradients(batches, step, news, timer);
  } catch (const parallel::PeerLost& error) {
    result = absl::UnavailableError(error.what());
  }
  if (!result.ok()) {
    Undo(statistics);
    return result.status();
  }
  timer.Begin("optimizer");
  const double rate =
      LearningRate(config_.training(), batches[0].position.epoch, step);
  RETURN_IF_ERROR(FinishStep(rate, step, &*result));
  result->step.loss_scale = loss_scale_;
  return result->step;
}

bool Learner::scales_loss() const {
  return config_.training().precision() == TrainingConfig::FLOAT16;
}

absl::Status Learner::FinishStep(double rate, int64_t step,
                                 GradientResult* result) {
  result->step.report.Set(kLearningRate, rate);
  ClipAll(result->norms, &result->step.report);
  if (scales_loss()) {
    const bool finite = AreFinite(result->norms);
    loss_scale_.Update(finite);
    if (!finite && loss_scale_.value() < LossScale::kLeast) {
      return absl::OutOfRangeError(
          absl::StrCat("step ", step + 1,
                       ": the gradients are not finite at any loss scale; use "
                       "training.precision BFLOAT16 or FLOAT32"));
    }
    if (!finite) return absl::OkStatus();
  }
  adam_.Step(rate);
  if (average_) average_->Update(step + 1);
  return absl::OkStatus();
}

absl::StatusOr<Learner::GradientResult> Learner::ComputeGradients(
    const std::vector<data::Batch>& batches, int64_t step, const StepNews& news,
    StageTimer& timer) {
  const int64_t processes = group_ == nullptr ? 1 : group_->size();
  const int64_t rank = group_ == nullptr ? 0 : group_->rank();
  const auto num_batches = static_cast<int64_t>(batches.size());
  std::vector<Measured> measured;
  adam_.ZeroGrad();
  for (int64_t i = 0; i < num_batches; ++i) {
    const data::Batch& batch = batches[i];
    const StepPlace place = {step, batch.position.epoch, i * processes + rank,
                             num_batches * processes};
    const StepOutput output = objective_(*model_, OnDevice(batch.source),
                                         OnDevice(batch.driving), place, timer);
    if (!output.total.requires_grad()) return NothingLearns(step);
    timer.Begin("backward");
    if (reducer_ != nullptr && i + 1 == num_batches) reducer_->Begin();
    // A mean over batches of one is the loss itself, to the bit.
    const torch::Tensor loss =
        num_batches == 1 ? output.total : output.total / num_batches;
    (scales_loss() ? loss * loss_scale_.value() : loss).backward();
    measured.push_back(Measure(output));
  }
  if (reducer_ != nullptr) {
    timer.Begin("waiting for other processes");
    reducer_->Finish();
  }
  std::string not_finite;  // what is, in this process
  GradientResult result;
  const StepReport report = Fetch(measured, &result.norms, &not_finite);
  result.step = Agree(report, news);
  if (!std::isfinite(result.step.report.Get(kTotalLoss))) {
    if (not_finite.empty()) not_finite = "the total loss is not finite";
    return absl::OutOfRangeError(
        absl::StrCat("step ", step + 1, ": ", not_finite, NameBadWeights()));
  }
  // With FLOAT16, another loss scale may help.
  if (!scales_loss() && !AreFinite(result.norms)) return BadGradient(step);
  return result;
}

// "" where all weights are finite.
std::string Learner::NameBadWeights() const {
  for (const auto& parameter : model_->named_parameters()) {
    if (IsFinite(parameter.value())) continue;
    return absl::StrCat("; the weights ", parameter.key(), " are not finite");
  }
  return "";
}

absl::Status Learner::BadGradient(int64_t step) const {
  std::string which = "the gradients are";
  for (const auto& parameter : model_->named_parameters()) {
    const torch::Tensor& gradient = parameter.value().grad();
    if (!gradient.defined() || IsFinite(gradient)) continue;
    which = absl::StrCat("the gradient of ", parameter.key(), " is");
    break;
  }
  return absl::OutOfRangeError(absl::StrCat("step ", step + 1, ": ", which,
                                            " not finite, though the loss is"));
}

torch::Tensor Learner::OnDevice(const torch::Tensor& images) const {
  const torch::Tensor copy = networks::CopyAhead(images, device_);
  return config_.training().channels_last()
             ? copy.contiguous(torch::MemoryFormat::ChannelsLast)
             : copy;
}

// Of one batch: all but what the optimizer gives.
Learner::Measured Learner::Measure(const StepOutput& output) const {
  const torch::NoGradGuard no_grad;
  Measured measured = {{}, {output.total.detach()}};
  for (const auto& [name, term] : output.terms) {
    measured.terms.push_back(name);
    measured.scalars.push_back(term.detach());
  }
  for (const Diagnostic& diagnostic : Diagnostics()) {
    measured.scalars.push_back(diagnostic.measure(output).detach());
  }
  return measured;
}

StepReport Learner::Fetch(const std::vector<Measured>& measured,
                          std::vector<double>* norms,
                          std::string* not_finite) const {
  std::vector<torch::Tensor> scalars;
  for (const Measured& one : measured) {
    scalars.insert(scalars.end(), one.scalars.begin(), one.scalars.end());
  }
  for (const auto& part : model_->named_children()) {
    scalars.push_back(LargestGradient(*part.value()));
  }
  const std::vector<double> values = HostValues(scalars);
  const double* value = values.data();
  StepReport report = Layout();
  report.SetAll(0);
  for (const Measured& one : measured) {
    StepReport of_batch = Layout();
    of_batch.Set(kTotalLoss, *value++);
    for (const std::string& name : one.terms) {
      of_batch.Set(name, *value);
      if (!std::isfinite(*value) && not_finite->empty()) {
        *not_finite = absl::StrCat("the loss term '", name, "' is ", *value);
      }
      ++value;
    }
    for (const Diagnostic& diagnostic : Diagnostics()) {
      of_batch.Set(diagnostic.name, *value++);
    }
    report += of_batch;
  }
  report /= static_cast<double>(measured.size());
  norms->assign(value, values.data() + values.size());
  if (scales_loss()) {
    for (double& norm : *norms) norm /= loss_scale_.value();
  }
  return report;
}

StepResult Learner::Agree(const StepReport& report, const StepNews& news) {
  StepResult result;
  result.report = report;
  result.news = news;
  if (group_ == nullptr) return result;
  // The values, whether to stop, and the time by rank 0's clock.
  std::vector<double> sums;
  for (const StepValue& value : report.values()) sums.push_back(value.value);
  sums.push_back(news.stop);
  sums.push_back(group_->rank() == 0 ? news.trained_seconds : 0);
  torch::Tensor shared =
      networks::CopyAhead(torch::tensor(sums, torch::kFloat64), device_);
  group_->Sum(shared);
  shared = shared.cpu();
  const double* sum = shared.data_ptr<double>();
  for (const StepValue& value : report.values()) {
    result.report.Set(value.name, *sum++);
  }
  result.report /= group_->size();
  result.news.stop = *sum++ > 0;
  result.news.trained_seconds = *sum;
  return result;
}

// Also takes the loss scale out of the gradients.
void Learner::ClipAll(const std::vector<double>& norms, StepReport* report) {
  const double max = config_.training().max_gradient();
  if (scales_loss()) {
    for (const torch::Tensor& parameter : model_->parameters()) {
      if (parameter.grad().defined()) {
        parameter.grad().mul_(1 / loss_scale_.value());
      }
    }
  }
  const double* norm = norms.data();
  for (const auto& part : model_->named_children()) {
    report->Set(GradientName(part.key()), *norm);
    // The original clips these three, and not the inpainting network.
    if (max > 0 && part.value() != model_->parts().inpainting.ptr()) {
      ClipGradients(*part.value(), *norm, max);
    }
    ++norm;
  }
}

// Of batch norms: a step in which another process is lost may have moved them.
std::vector<torch::Tensor> Learner::Statistics() const {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& buffer : model_->buffers()) {
    copies.push_back(buffer.clone());
  }
  return copies;
}

void Learner::Undo(const std::vector<torch::Tensor>& statistics) {
  adam_.ZeroGrad();
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> buffers = model_->buffers();
  for (size_t i = 0; i < statistics.size(); ++i) {
    buffers[i].copy_(statistics[i]);
  }
}

absl::Status Learner::Rehearse(const std::vector<data::Batch>& batches,
                               int64_t step) {
  const std::vector<torch::Tensor> statistics = Statistics();
  StageTimer timer;
  absl::Status status;
  try {
    status = ComputeGradients(batches, step, {}, timer).status();
  } catch (const parallel::PeerLost& error) {
    status = absl::UnavailableError(error.what());
  }
  Undo(statistics);
  return absl::IsUnavailable(status) ? status : absl::OkStatus();
}

}  // namespace pipelines
