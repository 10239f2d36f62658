#include "pipelines/trainer.h"

#include <torch/cuda.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "networks/weights/atomic_file.h"
#include "pipelines/adam.h"
#include "pipelines/animate_video.h"
#include "pipelines/app/device.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/data/loader.h"
#include "pipelines/data_folder.h"
#include "pipelines/evaluation.h"
#include "pipelines/objective.h"
#include "pipelines/preview.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/report/progress.h"
#include "pipelines/run_folder.h"
#include "pipelines/run_report.h"
#include "pipelines/schedule.h"
#include "pipelines/stage_timer.h"
#include "pipelines/step_cost.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using networks::weights::WriteFileAtomically;

// Samples in the strip of pictures.
constexpr int kPreviewRows = 4;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  void Restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// What may change from one session of a run to the next: how long it goes on
// and what makes no difference to its result.
Config WithoutLimits(Config config) {
  TrainingConfig* training = config.mutable_training();
  training->clear_num_epochs();
  training->clear_max_steps();
  training->clear_max_minutes();
  training->clear_checkpoint_minutes();
  training->clear_keep_checkpoints();
  config.mutable_data()->clear_workers();
  config.mutable_data()->clear_cache_mib();
  config.clear_evaluation();
  return config;
}

absl::Status CheckSameConfig(const std::string& folder, const Config& of_run,
                             const Config& now) {
  const std::vector<std::string> differences =
      ConfigDifferences(WithoutLimits(of_run), WithoutLimits(now));
  if (differences.empty()) return absl::OkStatus();
  return UsageError(absl::FailedPreconditionError(
      absl::StrCat(folder, " holds a run of another config (",
                   absl::StrJoin(differences, "; "),
                   "); choose another --output or remove that folder")));
}

class Trainer {
 public:
  Trainer(const TrainerOptions& options, RunFolder folder)
      : options_(options),
        config_(options.config),
        folder_(std::move(folder)),
        timer_(options.device.is_cuda()
                   ? static_cast<StageTimer::Synchronize>(
                         [] { torch::cuda::synchronize(); })
                   : nullptr) {
    *state_.mutable_config() = config_;
  }

  absl::Status Run() {
    RETURN_IF_ERROR(Prepare());
    if (!state_.finished()) RETURN_IF_ERROR(TrainToTheEnd());
    return Conclude();
  }

 private:
  // --- Before training.
  absl::Status Prepare();
  absl::Status MakeModel();
  absl::Status OpenData();
  absl::Status Resume();
  absl::Status MakePreview();
  void Announce() const;

  // --- Training.
  absl::Status TrainToTheEnd();
  absl::Status TakeStep(const data::Batch& batch);
  absl::Status LogStep(const StepOutput& output,
                       const std::map<std::string, double>& losses,
                       double learning_rate, double gradient);
  absl::Status EndEpoch();
  absl::Status Save();
  bool IsAtTheEnd() const;
  int64_t ExpectedSteps() const;
  std::string LastGoodCheckpoint() const;

  // --- After training.
  absl::Status Conclude();
  absl::Status AnimateTestClip();

  TrainerOptions options_;
  Config config_;
  RunFolder folder_;
  CheckpointState state_;
  std::unique_ptr<data::Dataset> train_;
  std::unique_ptr<data::Dataset> test_;
  std::unique_ptr<data::Loader> loader_;
  std::shared_ptr<AnimationModel> model_;
  std::optional<Adam> adam_;
  std::optional<Objective> objective_;
  std::optional<LossLog> log_;
  std::optional<ProgressBar> bar_;
  StageTimer timer_;
  Stopwatch since_save_;
  int64_t steps_of_session_ = 0;
  torch::Tensor preview_source_, preview_driving_;
};

absl::Status Trainer::Prepare() {
  RETURN_IF_ERROR(MakeModel());
  Announce();
  RETURN_IF_ERROR(OpenData());
  RETURN_IF_ERROR(Resume());
  RETURN_IF_ERROR(WriteFileAtomically(folder_.config(), ConfigText(config_)));
  std::vector<std::string> columns = {"total"};
  for (const std::string& term : objective_->TermNames()) {
    columns.push_back(term);
  }
  for (const char* name :
       {"learning_rate", "max_gradient", "fit_residual", "fit_iterations"}) {
    columns.push_back(name);
  }
  ASSIGN_OR_RETURN(log_, LossLog::Open(folder_.losses(), columns,
                                       state_.step() > 0 ? state_.step() : -1));
  data::LoaderOptions loader;
  loader.batch_size = config_.training().batch_size();
  loader.num_workers = config_.data().workers();
  loader.start = {state_.epoch(), state_.step_in_epoch()};
  ASSIGN_OR_RETURN(loader_, data::Loader::Create(train_.get(), loader));
  return MakePreview();
}

absl::Status Trainer::MakeModel() {
  ASSIGN_OR_RETURN(objective_, Objective::Create(config_, options_.device));
  torch::manual_seed(config_.training().seed());
  ASSIGN_OR_RETURN(model_, AnimationModel::Create(config_.model()));
  model_->to(options_.device);
  const TrainingConfig& training = config_.training();
  adam_.emplace(*model_, AdamOptions{training.beta1(), training.beta2(), 1e-8,
                                     training.weight_decay()});
  return absl::OkStatus();
}

void Trainer::Announce() const {
  int64_t parameters = 0;
  for (const torch::Tensor& p : model_->parameters()) parameters += p.numel();
  std::printf("train: %s into %s on %s, %.1f million parameters",
              options_.command.c_str(), folder_.path().c_str(),
              DescribeDevice(options_.device).c_str(), 1e-6 * parameters);
  if (options_.device.is_cpu()) {
    std::printf(", about %s steps/s expected",
                FormatRate(1 / ExpectedStepSeconds(config_)).c_str());
  }
  std::printf("\n");
  if (config_.losses().perceptual().untrained()) {
    std::printf(
        "train: the perceptual loss uses an UNTRAINED VGG-19 (random "
        "features); "
        "name weights in losses.perceptual.weights for better pictures\n");
  }
  std::fflush(stdout);
}

absl::Status Trainer::OpenData() {
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(config_.data()));
  const uint64_t seed = config_.training().seed();
  ASSIGN_OR_RETURN(train_, OpenSplit(folder, "train", config_.data(), seed));
  ASSIGN_OR_RETURN(test_, OpenSplit(folder, "test", config_.data(), seed));
  return absl::OkStatus();
}

// The newest checkpoint that can be read; those that cannot are set aside.
absl::Status Trainer::Resume() {
  for (const std::string& path : ListCheckpoints(folder_.checkpoints())) {
    absl::StatusOr<CheckpointState> state = ReadCheckpointState(path);
    if (state.ok()) {
      RETURN_IF_ERROR(
          CheckSameConfig(folder_.path(), state->config(), config_));
    }
    const absl::Status loaded =
        state.ok() ? LoadCheckpoint(path, model_.get(), &*adam_)
                   : state.status();
    if (loaded.ok()) {
      state_ = *std::move(state);
      *state_.mutable_config() = config_;
      if (!IsAtTheEnd()) state_.set_finished(false);
      std::printf("train: going on from %s, step %lld\n", path.c_str(),
                  static_cast<long long>(state_.step()));
      return absl::OkStatus();
    }
    std::error_code ignored;
    fs::rename(path, path + ".unreadable", ignored);
    std::fprintf(
        stderr,
        "warning: %s; set aside as %s.unreadable, trying an older one\n",
        std::string(loaded.message()).c_str(), path.c_str());
  }
  return absl::OkStatus();
}

absl::Status Trainer::MakePreview() {
  ASSIGN_OR_RETURN(const PreviewPairs pairs,
                   ReadPreviewPairs(*test_, kPreviewRows));
  preview_source_ = pairs.source.to(options_.device);
  preview_driving_ = pairs.driving.to(options_.device);
  return absl::OkStatus();
}

bool Trainer::IsAtTheEnd() const {
  const TrainingConfig& training = config_.training();
  return state_.epoch() >= training.num_epochs() ||
         (training.max_steps() > 0 && state_.step() >= training.max_steps()) ||
         (training.max_minutes() > 0 &&
          state_.trained_seconds() >= 60 * training.max_minutes());
}

int64_t Trainer::ExpectedSteps() const {
  const TrainingConfig& training = config_.training();
  const int64_t all = training.num_epochs() * loader_->steps_per_epoch();
  return training.max_steps() > 0 ? std::min<int64_t>(all, training.max_steps())
                                  : all;
}

absl::Status Trainer::TrainToTheEnd() {
  ProgressOptions progress;
  progress.title = "train";
  progress.unit = "steps";
  // What ends by the clock has no known number of steps; LogStep tells the
  // time.
  if (config_.training().max_minutes() == 0) progress.total = ExpectedSteps();
  progress.done = state_.step();
  bar_.emplace(progress);
  model_->train();
  while (!IsAtTheEnd()) {
    if (StopSignal() != 0) {
      bar_.reset();
      RETURN_IF_ERROR(Save());
      return StoppedBySignal(StopSignal());
    }
    const Stopwatch step;
    timer_.Begin("data");
    ASSIGN_OR_RETURN(const data::Batch batch, loader_->Next());
    RETURN_IF_ERROR(TakeStep(batch));
    timer_.End();
    state_.set_trained_seconds(state_.trained_seconds() + step.Seconds());
    const data::LoaderPosition next = loader_->position();
    const bool epoch_ends = next.epoch != batch.position.epoch;
    state_.set_epoch(next.epoch);
    state_.set_step_in_epoch(next.step);
    if (epoch_ends) {
      RETURN_IF_ERROR(EndEpoch());
    } else if (const double minutes = config_.training().checkpoint_minutes();
               minutes > 0 && since_save_.Seconds() > 60 * minutes) {
      RETURN_IF_ERROR(Save());
    }
  }
  bar_->Finish();
  state_.set_finished(true);
  RETURN_IF_ERROR(Save());
  if (options_.profile) {
    std::printf("train: where the time of a step goes (%lld steps):\n%s",
                static_cast<long long>(steps_of_session_),
                timer_.Table(static_cast<int>(steps_of_session_)).c_str());
  }
  return WriteStrip(folder_, *model_, config_.model(), preview_source_,
                    preview_driving_, state_.epoch());
}

absl::Status Trainer::TakeStep(const data::Batch& batch) {
  const StepPlace place = {state_.step(), batch.position.epoch};
  const torch::Tensor source = batch.source.to(options_.device);
  const torch::Tensor driving = batch.driving.to(options_.device);
  StepOutput output = (*objective_)(*model_, source, driving, place, timer_);
  std::map<std::string, double> losses;
  for (const auto& [name, value] : output.terms) {
    const double loss = losses[name] = value.item<double>();
    if (!std::isfinite(loss)) {
      return DivergedError(absl::StrCat(
          "step ", state_.step() + 1, ": the loss term '", name, "' is ", loss,
          "; last good checkpoint: ", LastGoodCheckpoint(),
          ". Try a smaller training.learning_rate"));
    }
  }
  timer_.Begin("backward");
  adam_->ZeroGrad();
  output.total.backward();
  timer_.Begin("optimizer");
  const double max = config_.training().max_gradient();
  double gradient = 0;
  for (torch::nn::Module* network :
       {static_cast<torch::nn::Module*>(model_->detector().get()),
        static_cast<torch::nn::Module*>(model_->dense_motion().get()),
        static_cast<torch::nn::Module*>(
            model_->has_background() ? model_->background().get() : nullptr)}) {
    if (network == nullptr) continue;
    const double norm =
        max > 0 ? ClipGradients(*network, max) : GradientInfinityNorm(*network);
    gradient = std::max(gradient, norm);
  }
  const double rate = LearningRate(config_.training(), place.epoch);
  adam_->Step(rate);
  timer_.Begin("logging");
  state_.set_step(state_.step() + 1);
  ++steps_of_session_;
  return LogStep(output, losses, rate, gradient);
}

absl::Status Trainer::LogStep(const StepOutput& output,
                              const std::map<std::string, double>& losses,
                              double learning_rate, double gradient) {
  std::vector<double> values = {output.total.item<double>()};
  std::string text;
  if (const double minutes = config_.training().max_minutes(); minutes > 0) {
    text = absl::StrFormat("%.1f of %.1f min  ", state_.trained_seconds() / 60,
                           minutes);
  }
  absl::StrAppendFormat(&text, "loss %.2f", values[0]);
  for (const std::string& name : objective_->TermNames()) {
    const auto loss = losses.find(name);
    // Not there: a term that has not started yet.
    const double value = loss == losses.end() ? std::nan("") : loss->second;
    values.push_back(value);
    if (std::isfinite(value)) {
      absl::StrAppendFormat(&text, " %s %.2f", name, value);
    }
  }
  values.insert(
      values.end(),
      {learning_rate, gradient, output.fit.residual.mean().item<double>(),
       output.fit.iterations.to(torch::kFloat64).mean().item<double>()});
  bar_->Update(state_.step(), text);
  return log_->Add(state_.step(), values);
}

absl::Status Trainer::EndEpoch() {
  const TrainingConfig& training = config_.training();
  if (state_.epoch() % training.picture_epochs() == 0) {
    RETURN_IF_ERROR(WriteStrip(folder_, *model_, config_.model(),
                               preview_source_, preview_driving_,
                               state_.epoch()));
    RETURN_IF_ERROR(WriteRunIndex(
        folder_, state_, DescribeDevice(options_.device), std::nullopt));
  }
  if (state_.epoch() % training.checkpoint_epochs() == 0) return Save();
  return absl::OkStatus();
}

absl::Status Trainer::Save() {
  since_save_.Restart();
  RETURN_IF_ERROR(SaveCheckpoint(
      absl::StrCat(folder_.checkpoints(), "/", CheckpointName(state_.step())),
      *model_, *adam_, state_));
  RemoveOldCheckpoints(folder_.checkpoints(),
                       config_.training().keep_checkpoints());
  return absl::OkStatus();
}

std::string Trainer::LastGoodCheckpoint() const {
  const auto checkpoints = ListCheckpoints(folder_.checkpoints());
  return checkpoints.empty() ? "none yet" : checkpoints[0];
}

// The first test clip's first frame, moved as the last test clip moves.
absl::Status Trainer::AnimateTestClip() {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Animator> animator,
      Animator::Create(TrainedModel{config_, model_}, options_.device));
  AnimateVideoOptions options;
  options.panels = {Panel::kSource, Panel::kDriving, Panel::kResult};
  options.min_output_side = 256;
  const absl::StatusOr<AnimateVideoReport> report =
      AnimateVideo(*animator, test_->clips().front().path,
                   test_->clips().back().path, folder_.animation(), options);
  return report.status();
}

absl::Status Trainer::Conclude() {
  model_->eval();
  EvaluationOutputs outputs;
  outputs.pictures = folder_.path() + "/evaluation";
  ASSIGN_OR_RETURN(
      const Evaluation evaluation,
      Evaluate({config_, model_}, options_.device, *test_, outputs));
  const EvaluationResult& result = evaluation.result;
  RETURN_IF_ERROR(WriteScores(folder_.path(), result));
  RETURN_IF_ERROR(AnimateTestClip());
  RETURN_IF_ERROR(WriteRunIndex(folder_, state_,
                                DescribeDevice(options_.device), evaluation));
  std::printf(
      "train: %lld steps in %.1f minutes; on the test clips L1 %.4f (first "
      "frame "
      "%.4f), PSNR %.2f dB, SSIM %.3f\n",
      static_cast<long long>(state_.step()), state_.trained_seconds() / 60,
      result.model.l1, result.first_frame.l1, result.model.psnr,
      result.model.ssim);
  std::printf("train: look at %s/index.html\n",
              fs::absolute(folder_.path()).c_str());
  std::printf("train: animate an image of your own:\n  %s\n",
              AnimateCommand(folder_).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status Train(const TrainerOptions& options) {
  ASSIGN_OR_RETURN(RunFolder folder, RunFolder::Open(options.output));
  return Trainer(options, std::move(folder)).Run();
}

}  // namespace pipelines
