#include "pipelines/training/trainer.h"

#include <torch/cuda.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "networks/files/atomic_file.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/app/device.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/app/progress.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/loader.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/training/clips_of_run.h"
#include "pipelines/training/initial_weights.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/meeting.h"
#include "pipelines/training/preview.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/run_report.h"
#include "pipelines/training/shared_training.h"
#include "pipelines/training/stage_timer.h"
#include "pipelines/training/step_cost.h"
#include "pipelines/training/training_log.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using networks::files::WriteAtomically;

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
// and what makes no difference to its result; and how a step's pairs are dealt
// out, which is looked at apart.
Config WithoutLimits(Config config) {
  TrainingConfig* training = config.mutable_training();
  training->clear_num_epochs();
  training->clear_max_steps();
  training->clear_max_minutes();
  training->clear_checkpoint_epochs();
  training->clear_checkpoint_minutes();
  training->clear_checkpoint_steps();
  training->clear_keep_checkpoints();
  training->clear_best_checkpoint();
  training->clear_picture_epochs();
  training->clear_peer_timeout_seconds();
  training->clear_initial_weights();
  training->clear_batch_size();
  training->clear_accumulation();
  config.mutable_data()->clear_workers();
  config.mutable_data()->clear_cache_mib();
  config.clear_evaluation();
  config.clear_avd();
  return config;
}

int64_t SamplesPerStep(const Config& config, int processes) {
  return int64_t{config.training().batch_size()} *
         config.training().accumulation() * processes;
}

// Checkpoints of version 1 do not say; there it was the batch size.
int64_t SamplesPerStep(const CheckpointState& state) {
  return state.samples_per_step() > 0 ? state.samples_per_step()
                                      : state.config().training().batch_size();
}

absl::Status CheckSameConfig(const std::string& folder,
                             const CheckpointState& of_run, const Config& now,
                             int processes) {
  std::vector<std::string> differences =
      ConfigDifferences(WithoutLimits(of_run.config()), WithoutLimits(now));
  // Another number of processes may change the pairs of a step, a config that
  // was edited may not, unless it makes up for the number of processes.
  const TrainingConfig& then = of_run.config().training();
  const bool same_batches =
      then.batch_size() == now.training().batch_size() &&
      then.accumulation() == now.training().accumulation();
  const int64_t samples = SamplesPerStep(now, processes);
  if (!same_batches && SamplesPerStep(of_run) != samples) {
    differences.push_back(absl::StrCat(
        "modified: training.batch_size * training.accumulation * processes: ",
        SamplesPerStep(of_run), " -> ", samples));
  }
  if (differences.empty()) return absl::OkStatus();
  return UsageError(absl::FailedPreconditionError(
      absl::StrCat(folder, " holds a run of another config (",
                   absl::StrJoin(differences, "; "),
                   "); choose another --output or remove that folder")));
}

class Trainer {
 public:
  // `folder` is null, and `group` is not, for ranks other than 0.
  Trainer(const TrainerOptions& options, std::optional<RunFolder> folder,
          std::shared_ptr<parallel::ProcessGroup> group)
      : options_(options),
        config_(options.config),
        folder_(std::move(folder)),
        group_(std::move(group)),
        timer_(options.device.is_cuda()
                   ? static_cast<StageTimer::Synchronize>(
                         [] { torch::cuda::synchronize(); })
                   : nullptr) {
    *state_.mutable_config() = config_;
    state_.set_samples_per_step(SamplesPerStep(config_, num_processes()));
    if (folder_) {
      store_.emplace(folder_->checkpoints(),
                     config_.training().keep_checkpoints());
    }
  }

  absl::Status Run() {
    RETURN_IF_ERROR(Prepare());
    if (!state_.finished()) RETURN_IF_ERROR(TrainToTheEnd());
    return is_first() ? Conclude() : absl::OkStatus();
  }

 private:
  // Rank 0, which alone has the run folder.
  bool is_first() const { return folder_.has_value(); }
  int num_processes() const { return group_ == nullptr ? 1 : group_->size(); }

  // --- Before training.
  absl::Status Prepare();
  absl::Status OpenData();
  absl::Status OpenDataInTurn();
  absl::Status Resume();
  absl::Status Restore();
  absl::Status StartFromInitialWeights();
  void AdaptPosition();
  absl::Status OpenLoader();
  absl::Status OpenLog();
  absl::Status MakePreview();
  void Announce() const;
  void WarnIfNothingPaints() const;

  // --- Training.
  absl::Status TrainToTheEnd();
  absl::StatusOr<std::vector<data::Batch>> NextBatches();
  absl::Status TakeStep();
  absl::Status FailedStep(const absl::Status& error);
  absl::Status LogStep(const StepReport& report, const StepTime& time);
  void WarnIfCacheFails();
  void StartBar();
  absl::Status ShowEpoch();
  absl::Status Save();
  bool EpochEndsWithCheckpoint() const;
  bool IsTimeToSave() const;
  bool IsAtTheEnd() const;
  int64_t ExpectedSteps() const;

  // --- Results.
  bool IsTimeToLook() const;
  absl::Status LookForBest();
  absl::StatusOr<double> TestL1();
  absl::Status DrawStrip();
  absl::Status Conclude();
  absl::Status AnimateTestClip();

  TrainerOptions options_;
  Config config_;
  std::optional<RunFolder> folder_;
  std::shared_ptr<parallel::ProcessGroup> group_;
  std::optional<CheckpointStore> store_;
  CheckpointState state_;
  std::unique_ptr<data::Dataset> train_;
  std::unique_ptr<data::Dataset> test_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Learner> learner_;
  std::optional<TrainingLog> log_;
  std::optional<ProgressBar> bar_;
  StageTimer timer_;
  Stopwatch since_save_;
  int64_t steps_of_session_ = 0;
  bool stop_ = false;  // some process was asked to
  bool warned_of_cache_ = false;
  // Of training, by the clock of rank 0: the same in all processes.
  double agreed_seconds_ = 0;
  torch::Tensor preview_source_, preview_driving_;
};

absl::Status Trainer::Prepare() {
  if (group_ != nullptr) RETURN_IF_ERROR(CheckConfigsAgree(*group_, config_));
  ASSIGN_OR_RETURN(learner_, Learner::Create(config_, options_.device, group_));
  if (is_first()) Announce();
  RETURN_IF_ERROR(OpenDataInTurn());
  RETURN_IF_ERROR(Resume());
  RETURN_IF_ERROR(OpenLoader());
  if (!is_first()) return absl::OkStatus();
  WarnIfNothingPaints();
  RETURN_IF_ERROR(WriteAtomically(folder_->config(), ConfigText(config_)));
  RETURN_IF_ERROR(OpenLog());
  RETURN_IF_ERROR(MakePreview());
  // If the last session ended between a save and the look at it.
  return state_.step() > 0 ? LookForBest() : absl::OkStatus();
}

void Trainer::Announce() const {
  int64_t parameters = 0;
  for (const torch::Tensor& p : learner_->model().parameters()) {
    parameters += p.numel();
  }
  std::printf("train: %s into %s on %s, %.1f million parameters",
              options_.command.c_str(), folder_->path().c_str(),
              DescribeDevice(options_.device).c_str(), 1e-6 * parameters);
  if (num_processes() > 1) std::printf(", %d processes", num_processes());
  if (options_.device.is_cpu()) {
    const double seconds =
        ExpectedStepSeconds(config_) * config_.training().accumulation();
    std::printf(", about %s steps/s expected", FormatRate(1 / seconds).c_str());
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

void Trainer::WarnIfNothingPaints() const {
  const int64_t motion_steps = config_.training().motion_steps();
  if (motion_steps < ExpectedSteps()) return;
  std::printf(
      "train: warning: all %lld steps teach motion alone, since "
      "training.motion_steps is %lld; nothing learns to paint\n",
      static_cast<long long>(ExpectedSteps()),
      static_cast<long long>(motion_steps));
}

absl::Status Trainer::OpenData() {
  ProgramHooks program("train");
  const WorkHooks hooks = program.hooks();
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(config_.data(), hooks));
  const uint64_t seed = config_.training().seed();
  ASSIGN_OR_RETURN(train_,
                   OpenSplit(folder, "train", config_.data(), seed, hooks));
  ASSIGN_OR_RETURN(test_,
                   OpenSplit(folder, "test", config_.data(), seed, hooks));
  return absl::OkStatus();
}

// The first process of each machine may have data to make and to index, which
// the others then find.
absl::Status Trainer::OpenDataInTurn() {
  if (options_.process.local_rank == 0) RETURN_IF_ERROR(OpenData());
  if (group_ != nullptr) group_->Barrier();
  if (options_.process.local_rank != 0) RETURN_IF_ERROR(OpenData());
  return group_ == nullptr ? absl::OkStatus()
                           : CheckClipsAgree(*group_, *train_, *test_);
}

// Where the run stands: as rank 0 finds it in the folder, in all processes.
absl::Status Trainer::Resume() {
  if (is_first()) RETURN_IF_ERROR(Restore());
  if (group_ != nullptr) {
    RETURN_IF_ERROR(ShareTraining(*group_, learner_->learnt(), &state_));
  }
  AdaptPosition();
  for (const std::string& change : UpdateClips(*train_, *test_, &state_)) {
    if (!is_first()) continue;
    std::fprintf(
        stderr,
        "warning: %s; the run will not end as if it had not been interrupted\n",
        change.c_str());
  }
  *state_.mutable_config() = config_;
  state_.set_samples_per_step(SamplesPerStep(config_, num_processes()));
  return absl::OkStatus();
}

absl::Status Trainer::Restore() {
  const auto check = [this](const CheckpointState& state) {
    return CheckSameConfig(folder_->path(), state, config_, num_processes());
  };
  ASSIGN_OR_RETURN(std::optional<CheckpointState> state,
                   store_->Restore(check, learner_->learnt()));
  if (!state) return StartFromInitialWeights();
  state_ = *std::move(state);
  std::printf("train: going on from %s, step %lld\n", store_->Newest().c_str(),
              static_cast<long long>(state_.step()));
  return absl::OkStatus();
}

absl::Status Trainer::StartFromInitialWeights() {
  const std::string path = UserPath(config_.training().initial_weights());
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const networks::weights::LoadReport report,
                   LoadInitialWeights(path, &learner_->model()));
  learner_->RestartAverage();
  std::printf(
      "train: initial weights from %s: %zu tensors loaded, %zu missing, %zu of "
      "another shape, %zu not of this model (names in %s)\n",
      path.c_str(), report.loaded.size(), report.missing.size(),
      report.mismatched.size(), report.unexpected.size(),
      folder_->initial_weights().c_str());
  return WriteAtomically(folder_->initial_weights(), ReportText(path, report));
}

// Another number of processes sees other numbers of pairs a step: goes on after
// the last pair that was seen, or as soon after it as a step begins.
void Trainer::AdaptPosition() {
  const int64_t then = SamplesPerStep(state_);
  const int64_t now = SamplesPerStep(config_, num_processes());
  if (then == now) return;
  const int64_t seen = state_.step_in_epoch() * then;
  state_.set_step_in_epoch((seen + now - 1) / now);
  if (is_first() && state_.step() > 0) {
    std::printf(
        "train: a step saw %lld pairs, from here on %lld (config and number of "
        "processes)\n",
        static_cast<long long>(then), static_cast<long long>(now));
  }
}

absl::Status Trainer::OpenLoader() {
  const TrainingConfig& training = config_.training();
  data::LoaderOptions loader;
  loader.batch_size = training.batch_size();
  loader.num_workers = config_.data().workers();
  loader.batches_per_step = training.accumulation();
  loader.num_shards = num_processes();
  loader.shard_index = group_ == nullptr ? 0 : group_->rank();
  loader.start = {state_.epoch(),
                  state_.step_in_epoch() * training.accumulation()};
  ASSIGN_OR_RETURN(loader_, data::Loader::Create(train_.get(), loader));
  const data::LoaderPosition start = loader_->position();
  state_.set_epoch(start.epoch);
  state_.set_step_in_epoch(start.step / training.accumulation());
  agreed_seconds_ = state_.trained_seconds();
  if (!IsAtTheEnd()) state_.set_finished(false);
  return absl::OkStatus();
}

absl::Status Trainer::OpenLog() {
  ASSIGN_OR_RETURN(
      log_,
      TrainingLog::Open(*folder_, config_, learner_->objective().TermNames(),
                        learner_->PartNames(), state_.step()));
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
          agreed_seconds_ >= 60 * training.max_minutes());
}

int64_t Trainer::ExpectedSteps() const {
  const TrainingConfig& training = config_.training();
  const int64_t all = training.num_epochs() *
                      (loader_->steps_per_epoch() / training.accumulation());
  return training.max_steps() > 0 ? std::min<int64_t>(all, training.max_steps())
                                  : all;
}

void Trainer::StartBar() {
  if (!is_first()) return;
  ProgressOptions progress;
  progress.title = "train";
  progress.unit = "steps";
  // What ends by the clock has no known number of steps; LogStep tells the
  // time.
  if (config_.training().max_minutes() == 0) progress.total = ExpectedSteps();
  progress.done = state_.step();
  progress.work = [motion_steps = config_.training().motion_steps(),
                   share = MotionStepShare(config_)](int64_t done) {
    const int64_t of_motion = std::min<int64_t>(done, motion_steps);
    return share * static_cast<double>(of_motion) +
           static_cast<double>(done - of_motion);
  };
  bar_.emplace(progress);
}

absl::Status Trainer::TrainToTheEnd() {
  StartBar();
  learner_->model().train();
  while (!IsAtTheEnd()) {
    // Several processes stop at the same step: when all have heard of it.
    if (group_ == nullptr) stop_ = StopSignal() != 0;
    if (stop_) {
      bar_.reset();
      RETURN_IF_ERROR(Save());
      return StoppedBySignal(StopSignal() != 0 ? StopSignal() : SIGTERM);
    }
    RETURN_IF_ERROR(TakeStep());
    if (state_.step_in_epoch() == 0) RETURN_IF_ERROR(ShowEpoch());
    if (IsTimeToSave()) RETURN_IF_ERROR(Save());
    RETURN_IF_ERROR(LookForBest());
  }
  if (bar_) bar_->Finish();
  bar_.reset();
  state_.set_finished(true);
  RETURN_IF_ERROR(Save());
  RETURN_IF_ERROR(LookForBest());
  if (options_.profile && is_first()) {
    std::printf("train: where the time of a step goes (%lld steps):\n%s",
                static_cast<long long>(steps_of_session_),
                timer_.Table(static_cast<int>(steps_of_session_)).c_str());
  }
  return DrawStrip();
}

absl::StatusOr<std::vector<data::Batch>> Trainer::NextBatches() {
  std::vector<data::Batch> batches;
  for (int i = 0; i < config_.training().accumulation(); ++i) {
    ASSIGN_OR_RETURN(data::Batch batch, loader_->Next());
    batches.push_back(std::move(batch));
  }
  return batches;
}

absl::Status Trainer::TakeStep() {
  const Stopwatch whole_step;
  timer_.Begin("data");
  ASSIGN_OR_RETURN(const std::vector<data::Batch> batches, NextBatches());
  const double data_seconds = whole_step.Seconds();
  const absl::StatusOr<StepReport> report =
      learner_->Step(batches, state_.step(),
                     {StopSignal() != 0, state_.trained_seconds()}, timer_);
  if (!report.ok()) return FailedStep(report.status());
  timer_.Begin("logging");
  const data::LoaderPosition next = loader_->position();
  state_.set_step(state_.step() + 1);
  state_.set_epoch(next.epoch);
  state_.set_step_in_epoch(next.step / config_.training().accumulation());
  // Steps that teach only motion have another loss, not to be compared.
  if (state_.step() > config_.training().motion_steps()) {
    state_.set_loss_sum(state_.loss_sum() + report->total);
    state_.set_loss_steps(state_.loss_steps() + 1);
  }
  stop_ = report->news.stop;
  ++steps_of_session_;
  const double seconds = whole_step.Seconds();
  state_.set_trained_seconds(state_.trained_seconds() + seconds);
  agreed_seconds_ = group_ == nullptr ? state_.trained_seconds()
                                      : report->news.trained_seconds;
  RETURN_IF_ERROR(LogStep(*report, {seconds, data_seconds / seconds}));
  WarnIfCacheFails();
  timer_.End();
  return absl::OkStatus();
}

// Says what to go on with. Where another process is lost, nothing is wrong with
// what this one has learnt.
absl::Status Trainer::FailedStep(const absl::Status& error) {
  bar_.reset();
  if (!is_first()) return error;
  if (absl::IsUnavailable(error)) {
    RETURN_IF_ERROR(Save());
    return absl::UnavailableError(
        absl::StrCat(error.message(), "; step ", state_.step(), " is saved in ",
                     store_->Newest(),
                     ": start all processes again, of any number, to go on"));
  }
  if (!absl::IsOutOfRange(error)) return error;
  return DivergedError(absl::StrCat(
      error.message(), "; last good checkpoint: ", store_->Newest(),
      ". Try a smaller training.learning_rate"));
}

absl::Status Trainer::LogStep(const StepReport& report, const StepTime& time) {
  if (!is_first()) return absl::OkStatus();
  std::string text;
  if (const double minutes = config_.training().max_minutes(); minutes > 0) {
    text = absl::StrFormat("%.1f of %.1f min  ", state_.trained_seconds() / 60,
                           minutes);
  }
  absl::StrAppendFormat(&text, "loss %.2f", report.total);
  const std::vector<std::string> names = learner_->objective().TermNames();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!std::isfinite(report.terms[i])) continue;
    absl::StrAppendFormat(&text, " %s %.2f", names[i], report.terms[i]);
  }
  bar_->Update(state_.step(), text);
  return log_->Add(state_.step(), report, time);
}

// Once a session.
void Trainer::WarnIfCacheFails() {
  const absl::Status status = learner_->objective().embedding_cache_status();
  if (status.ok() || warned_of_cache_) return;
  warned_of_cache_ = true;
  const std::string line = absl::StrCat(
      "warning: embeddings of frames are no longer kept (", status.message(),
      "); training goes on and computes them anew in each epoch");
  if (bar_) {
    bar_->Print(line);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

absl::Status Trainer::ShowEpoch() {
  if (!is_first() ||
      state_.epoch() % config_.training().picture_epochs() != 0) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(DrawStrip());
  return WriteRunIndex(*folder_, state_, DescribeDevice(options_.device),
                       std::nullopt);
}

bool Trainer::EpochEndsWithCheckpoint() const {
  return state_.step_in_epoch() == 0 &&
         state_.epoch() % config_.training().checkpoint_epochs() == 0;
}

bool Trainer::IsTimeToSave() const {
  const TrainingConfig& training = config_.training();
  const double minutes = training.checkpoint_minutes();
  const int64_t steps = training.checkpoint_steps();
  return EpochEndsWithCheckpoint() ||
         (minutes > 0 && since_save_.Seconds() > 60 * minutes) ||
         (steps > 0 && state_.step() % steps == 0);
}

absl::Status Trainer::Save() {
  since_save_.Restart();
  if (!is_first()) return absl::OkStatus();
  RETURN_IF_ERROR(folder_->KeepLock());
  return store_->Save(learner_->learnt(), state_);
}

bool Trainer::IsTimeToLook() const {
  return is_first() && state_.looked_at_step() < state_.step() &&
         (EpochEndsWithCheckpoint() || state_.finished());
}

// After a save: a session that ends in here looks again at the same weights
// when it is gone on with.
absl::Status Trainer::LookForBest() {
  using Best = BestCheckpointConfig;
  if (!IsTimeToLook()) return absl::OkStatus();
  const Best::Metric metric = config_.training().best_checkpoint().metric();
  if (metric == Best::TRAINING_LOSS && state_.loss_steps() == 0) {
    return absl::OkStatus();
  }
  double value = state_.loss_sum() / std::max<int64_t>(state_.loss_steps(), 1);
  if (metric == Best::TEST_L1) {
    ASSIGN_OR_RETURN(value, TestL1());
    RETURN_IF_ERROR(log_->AddScalar("test/l1", state_.step(), value));
  }
  state_.set_loss_sum(0);
  state_.set_loss_steps(0);
  state_.set_looked_at_step(state_.step());
  const bool is_best = state_.best_step() < 0 || value < state_.best_value();
  if (metric == Best::NONE || !is_best) return absl::OkStatus();
  state_.set_best_step(state_.step());
  state_.set_best_value(value);
  return store_->MarkBest(state_.step());
}

absl::StatusOr<double> Trainer::TestL1() {
  const BestCheckpointConfig& best = config_.training().best_checkpoint();
  EvaluationConfig few = config_.evaluation();
  few.set_max_clips(best.max_clips());
  few.set_frame_step(best.frame_step());
  const WeightAverage::Scope averaged(learner_->average());
  learner_->model().eval();
  const bool has_bar = bar_.has_value();
  bar_.reset();  // The evaluation has one of its own.
  const absl::StatusOr<EvaluationResult> result =
      EvaluateReconstruction(learner_->model(), options_.device, *test_, few);
  learner_->model().train();
  if (has_bar) StartBar();
  RETURN_IF_ERROR(result.status());
  return result->model.l1;
}

absl::Status Trainer::DrawStrip() {
  if (!is_first()) return absl::OkStatus();
  const WeightAverage::Scope averaged(learner_->average());
  ASSIGN_OR_RETURN(
      const std::string path,
      WriteStrip(*folder_, learner_->model(), config_.model(), preview_source_,
                 preview_driving_, state_.epoch()));
  return log_->AddPicture(state_.step(), path);
}

// The first test clip's first frame, moved as the last test clip moves.
absl::Status Trainer::AnimateTestClip() {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Animator> animator,
      Animator::Create(TrainedModel{config_, learner_->shared_model()},
                       options_.device));
  AnimateVideoOptions options;
  options.panels = {Panel::kSource, Panel::kDriving, Panel::kResult};
  options.min_output_side = 256;
  options.overwrite = true;
  const absl::StatusOr<AnimateVideoReport> report =
      AnimateVideo(*animator, test_->clips().front().path,
                   test_->clips().back().path, folder_->animation(), options);
  return report.status();
}

absl::Status Trainer::Conclude() {
  const WeightAverage::Scope averaged(learner_->average());
  learner_->model().eval();
  EvaluationOutputs outputs;
  outputs.pictures = folder_->path() + "/evaluation";
  ASSIGN_OR_RETURN(const Evaluation evaluation,
                   Evaluate({config_, learner_->shared_model()},
                            options_.device, *test_, outputs));
  const EvaluationResult& result = evaluation.result;
  RETURN_IF_ERROR(WriteScores(folder_->path(), result));
  RETURN_IF_ERROR(AnimateTestClip());
  RETURN_IF_ERROR(WriteRunIndex(*folder_, state_,
                                DescribeDevice(options_.device), evaluation));
  std::printf(
      "train: %lld steps in %.1f minutes; on the test clips L1 %.4f (first "
      "frame "
      "%.4f), PSNR %.2f dB, SSIM %.3f\n",
      static_cast<long long>(state_.step()), state_.trained_seconds() / 60,
      result.model.l1, result.first_frame.l1, result.model.psnr,
      result.model.ssim);
  std::printf("train: look at %s/index.html\n",
              fs::absolute(folder_->path()).c_str());
  std::printf("train: animate an image of your own:\n  %s\n",
              AnimateCommand(*folder_).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status Train(const TrainerOptions& options) {
  std::shared_ptr<parallel::ProcessGroup> group;
  if (options.process.is_parallel()) {
    ASSIGN_OR_RETURN(
        group,
        parallel::ProcessGroup::Join(
            options.process, options.device,
            absl::Seconds(options.config.training().peer_timeout_seconds())));
  }
  std::optional<RunFolder> folder;
  if (options.process.rank == 0) {
    ASSIGN_OR_RETURN(folder, RunFolder::Open(options.output));
  }
  try {
    return Trainer(options, std::move(folder), std::move(group)).Run();
  } catch (const parallel::PeerLost& error) {
    return absl::UnavailableError(error.what());
  }
}

}  // namespace pipelines
