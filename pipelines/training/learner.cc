#include "pipelines/training/learner.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "networks/batch_norm.h"
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

AdamOptions AdamOptionsOf(const TrainingConfig& training) {
  return {training.beta1(), training.beta2(), 1e-8, training.weight_decay()};
}

// The same in all processes, for the config decides.
absl::Status NothingLearns(int64_t step) {
  return absl::InvalidArgumentError(absl::StrCat(
      "step ", step + 1,
      ": no part that trains has a share in the losses of this step; see "
      "training.frozen, training.motion_steps (in which nothing is painted) "
      "and training.background_start_epoch"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> Learner::Create(
    const Config& config, torch::Device device,
    std::shared_ptr<parallel::ProcessGroup> group) {
  ASSIGN_OR_RETURN(Objective objective, Objective::Create(config, device));
  torch::manual_seed(config.training().seed());
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(config.model()));
  model->to(device);
  const auto& frozen = config.training().frozen();
  RETURN_IF_ERROR(model->Freeze({frozen.begin(), frozen.end()}));
  RETURN_IF_ERROR(CheckSomethingTrains(*model));
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

std::vector<std::string> Learner::PartNames() const {
  std::vector<std::string> names;
  for (const auto& item : model_->named_children()) names.push_back(item.key());
  return names;
}

absl::StatusOr<StepReport> Learner::Step(
    const std::vector<data::Batch>& batches, int64_t step, const StepNews& news,
    StageTimer& timer) {
  const std::vector<torch::Tensor> statistics = Statistics();
  const auto undo = [&] {
    adam_.ZeroGrad();
    const torch::NoGradGuard no_grad;
    const std::vector<torch::Tensor> buffers = model_->buffers();
    for (size_t i = 0; i < statistics.size(); ++i) {
      buffers[i].copy_(statistics[i]);
    }
  };
  absl::StatusOr<StepReport> report;
  try {
    report = ComputeGradients(batches, step, news, timer);
  } catch (const parallel::PeerLost& error) {
    report = absl::UnavailableError(error.what());
  }
  if (!report.ok()) {
    undo();
    return report;
  }
  timer.Begin("optimizer");
  report->gradients = ClipAll();
  report->learning_rate =
      LearningRate(config_.training(), batches[0].position.epoch, step);
  adam_.Step(report->learning_rate);
  if (average_) average_->Update(step + 1);
  return report;
}

absl::StatusOr<StepReport> Learner::ComputeGradients(
    const std::vector<data::Batch>& batches, int64_t step, const StepNews& news,
    StageTimer& timer) {
  const int64_t processes = group_ == nullptr ? 1 : group_->size();
  const int64_t rank = group_ == nullptr ? 0 : group_->rank();
  const auto num_batches = static_cast<int64_t>(batches.size());
  std::vector<double> sums;
  std::string not_finite;  // what is, in this process
  adam_.ZeroGrad();
  for (int64_t i = 0; i < num_batches; ++i) {
    const data::Batch& batch = batches[i];
    const StepPlace place = {step, batch.position.epoch, i * processes + rank,
                             num_batches * processes};
    const StepOutput output =
        objective_(*model_, batch.source.to(device_), batch.driving.to(device_),
                   place, timer);
    AddUp(output, &sums, &not_finite);
    if (!output.total.requires_grad()) return NothingLearns(step);
    timer.Begin("backward");
    if (reducer_ != nullptr && i + 1 == num_batches) reducer_->Begin();
    // A mean over batches of one is the loss itself, to the bit.
    (num_batches == 1 ? output.total : output.total / num_batches).backward();
  }
  if (reducer_ != nullptr) {
    timer.Begin("waiting for other processes");
    reducer_->Finish();
  }
  for (double& sum : sums) sum /= static_cast<double>(num_batches);
  const StepReport report = Agree(std::move(sums), news);
  if (std::isfinite(report.total)) return report;
  return absl::OutOfRangeError(absl::StrCat(
      "step ", step + 1, ": ",
      not_finite.empty() ? "the total loss is not finite" : not_finite));
}

// Total, terms, residual and iterations of the fit, parts in use.
void Learner::AddUp(const StepOutput& output, std::vector<double>* sums,
                    std::string* not_finite) const {
  std::vector<double> values = {output.total.item<double>()};
  auto term = output.terms.begin();
  for (const std::string& name : objective_.TermNames()) {
    if (term == output.terms.end() || term->first != name) {
      values.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;  // has not started
    }
    const double value = values.emplace_back(term->second.item<double>());
    if (!std::isfinite(value) && not_finite->empty()) {
      *not_finite = absl::StrCat("the loss term '", name, "' is ", value);
    }
    ++term;
  }
  values.push_back(output.motion.candidates.fit.residual.mean().item<double>());
  values.push_back(output.motion.candidates.fit.iterations.to(torch::kFloat64)
                       .mean()
                       .item<double>());
  values.push_back(output.parts_in_use.item<double>());
  sums->resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) (*sums)[i] += values[i];
}

StepReport Learner::Agree(std::vector<double> sums, const StepNews& news) {
  StepNews agreed = news;
  if (group_ != nullptr) {
    const bool is_first = group_->rank() == 0;
    sums.push_back(news.stop);
    sums.push_back(is_first ? news.trained_seconds : 0);
    torch::Tensor shared = torch::tensor(sums, torch::kFloat64).to(device_);
    group_->Sum(shared);
    shared = shared.cpu();
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] = shared[static_cast<int64_t>(i)].item<double>();
    }
    agreed.trained_seconds = sums.back();
    sums.pop_back();
    agreed.stop = sums.back() > 0;
    sums.pop_back();
    for (double& sum : sums) sum /= group_->size();
  }
  StepReport report;
  report.total = sums.front();
  report.terms = {sums.begin() + 1, sums.end() - 3};
  report.fit_residual = sums[sums.size() - 3];
  report.fit_iterations = sums[sums.size() - 2];
  report.parts_in_use = sums.back();
  report.news = agreed;
  return report;
}

std::vector<double> Learner::ClipAll() {
  const double max = config_.training().max_gradient();
  std::vector<double> norms;
  for (const auto& item : model_->named_children()) {
    // The original clips these three, and not the inpainting network.
    const bool clips =
        max > 0 && item.value() != model_->parts().inpainting.ptr();
    norms.push_back(clips ? ClipGradients(*item.value(), max)
                          : GradientInfinityNorm(*item.value()));
  }
  return norms;
}

// Of batch norms: a step in which another process is lost may have moved them.
// With one process, nothing is saved after a step that fails.
std::vector<torch::Tensor> Learner::Statistics() const {
  std::vector<torch::Tensor> copies;
  if (group_ == nullptr) return copies;
  for (const torch::Tensor& buffer : model_->buffers()) {
    copies.push_back(buffer.clone());
  }
  return copies;
}

}  // namespace pipelines
