#include "pipelines/training/trainer.h"

#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/data/clips_fingerprint.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/loader.h"
#include "pipelines/evaluation/lpips_metric.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/training/best_checkpoint.h"
#include "pipelines/training/conclusion.h"
#include "pipelines/training/data_shards.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/meeting.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/run_recorder.h"
#include "pipelines/training/session.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Batches = std::vector<data::Batch>;

std::string DeviceName(const TrainerOptions& options) {
  return options.device_name.empty() ? options.device.str()
                                     : options.device_name;
}

// Where a loss or a gradient is not finite, `error` and the pairs that this
// process had in the step.
absl::Status WithPairs(const absl::Status& error, const Batches& batches,
                       const parallel::ProcessGroup* group) {
  if (!absl::IsOutOfRange(error)) return error;
  std::vector<std::string> pairs;
  for (const data::Batch& batch : batches) {
    pairs.insert(pairs.end(), batch.pairs.begin(), batch.pairs.end());
  }
  constexpr size_t kMost = 32;  // the default of training.batch_size is 28
  const size_t num_pairs = pairs.size();
  if (num_pairs > kMost) {
    pairs.resize(kMost);
    pairs.push_back(absl::StrCat("and ", num_pairs - kMost, " more"));
  }
  return absl::OutOfRangeError(absl::StrCat(
      error.message(), "; pairs of the step",
      group == nullptr ? "" : absl::StrCat(" in process ", group->rank()), ": ",
      absl::StrJoin(pairs, ", ")));
}

class Trainer {
 public:
  // `folder` is null for ranks other than 0, `group` for one process.
  Trainer(const TrainerOptions& options, std::optional<RunFolder> folder,
          std::shared_ptr<parallel::ProcessGroup> group)
      : options_(options),
        config_(options.config),
        group_(group),
        session_(options.config, std::move(folder), std::move(group)),
        recorder_(options.device, DeviceName(options), options.animate_command),
        timer_(StageSynchronization(options.device, options.profile)) {
    if (session_.folder() == nullptr) return;
    observers_ = options.observers;
    observers_.insert(observers_.begin(), &recorder_);
  }

  absl::Status Run() {
    const absl::Status status = TrainAndConclude();
    if (absl::IsCancelled(status)) TellOfStop();
    return status;
  }

 private:
  absl::Status TrainAndConclude() {
    RETURN_IF_ERROR(Prepare());
    if (!session_.state().finished()) {
      RETURN_IF_ERROR(TrainToTheEnd());
    } else if (session_.config_changed()) {
      // What evaluates and animates it now is what its checkpoint says.
      RETURN_IF_ERROR(session_.Save(learner_->learnt()));
    }
    return Conclude();
  }
  void TellOfStop();

  absl::Status Prepare();
  absl::Status MakeLearner();
  void Describe();
  absl::Status OpenData();
  absl::Status CheckData();
  absl::Status OpenLoader();

  absl::Status TrainToTheEnd();
  absl::Status SaveAndStop();
  absl::Status TakeStep();
  absl::StatusOr<Batches> NextBatches();
  absl::Status TimeWholeStep(const Batches& batches);
  absl::Status FailedStep(const absl::Status& error);
  absl::Status LookForBest();
  absl::Status LookIfDue();
  void WarnIfCacheFails();
  void WarnOfBadClips();
  void WarnOfChangedClips();
  absl::Status Conclude();

  // Ranks other than 0 have no observers.
  template <typename Call>
  absl::Status Tell(const Call& call) {
    if (observers_.empty()) return absl::OkStatus();
    const CheckpointState& state = session_.state();
    const RunView run = {state.config(), *session_.folder(), state, *learner_,
                         *test_,         expected_steps_};
    for (TrainingObserver* observer : observers_) {
      RETURN_IF_ERROR(call(*observer, run));
    }
    return absl::OkStatus();
  }

  const TrainerOptions options_;
  const Config& config_;
  std::shared_ptr<parallel::ProcessGroup> group_;
  Session session_;
  RunRecorder recorder_;
  std::vector<TrainingObserver*> observers_;
  ShardPlace place_;
  std::unique_ptr<data::Dataset> train_;
  // Null in other processes than rank 0 where data.sharded is on.
  std::unique_ptr<data::Dataset> test_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Learner> learner_;
  std::optional<BestCheckpoint> best_;  // of rank 0
  StageTimer timer_;
  int64_t expected_steps_ = 0;
  bool stop_ = false;  // some process was asked to
  bool is_timed_ = false;
  bool warned_of_cache_ = false;
  size_t num_told_bad_ = 0;  // of train_->bad_clips()
};

absl::Status Trainer::Prepare() {
  if (group_ != nullptr) RETURN_IF_ERROR(CheckConfigsAgree(*group_, config_));
  RETURN_IF_ERROR(AgreeOn(group_.get(), MakeLearner()));
  Describe();
  // The first process of each machine may have data to make and to index, which
  // the others then find.
  const bool is_first_here = options_.process.local_rank == 0;
  RETURN_IF_ERROR(
      AgreeOn(group_.get(), is_first_here ? OpenData() : absl::OkStatus()));
  RETURN_IF_ERROR(
      AgreeOn(group_.get(), is_first_here ? absl::OkStatus() : OpenData()));
  if (group_ != nullptr) RETURN_IF_ERROR(CheckData());
  RETURN_IF_ERROR(session_.Resume(*learner_, options_.hooks));
  const bool has_folder = session_.folder() != nullptr;
  RETURN_IF_ERROR(AgreeOn(
      group_.get(), has_folder
                        ? session_.CompareClips(*train_, *test_, options_.hooks)
                        : absl::OkStatus()));
  if (has_folder) best_.emplace(config_, &session_, test_.get());
  RETURN_IF_ERROR(AgreeOn(group_.get(), OpenLoader()));
  RETURN_IF_ERROR(AgreeOn(
      group_.get(), Tell([](TrainingObserver& observer, const RunView& run) {
        return observer.Begin(run);
      })));
  // If the last session ended between a save and the look at it.
  return LookForBest();
}

absl::Status Trainer::MakeLearner() {
  ASSIGN_OR_RETURN(place_, ShardPlaceOf(config_, options_.process));
  ASSIGN_OR_RETURN(learner_, Learner::Create(config_, options_.device, group_));
  // What the evaluation at the end needs must not be missed only then.
  return session_.folder() == nullptr
             ? absl::OkStatus()
             : MakeLpips(config_.evaluation()).status();
}

void Trainer::Describe() {
  if (observers_.empty()) return;
  int64_t parameters = 0;
  for (const torch::Tensor& p : learner_->model().parameters()) {
    parameters += p.numel();
  }
  for (TrainingObserver* observer : observers_) {
    observer->Describe({config_, *session_.folder(), DeviceName(options_),
                        parameters, group_ == nullptr ? 1 : group_->size()});
  }
}

void Trainer::TellOfStop() {
  if (observers_.empty()) return;
  const std::vector<std::string> checkpoints =
      ListCheckpoints(session_.folder()->checkpoints());
  for (TrainingObserver* observer : observers_) {
    observer->Stopped(checkpoints.empty() ? "" : checkpoints[0],
                      session_.state().step());
  }
}

absl::Status Trainer::OpenData() {
  ASSIGN_OR_RETURN(const std::string folder,
                   DataFolder(config_.data(), options_.hooks));
  ASSIGN_OR_RETURN(train_,
                   OpenSplit(folder, "train", config_.data(),
                             DataSeed(config_, place_), options_.hooks));
  num_told_bad_ = train_->bad_clips().size();
  if (config_.data().sharded() && options_.process.rank != 0) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(test_, OpenSplit(folder, "test", config_.data(),
                                    config_.training().seed(), options_.hooks));
  return absl::OkStatus();
}

absl::Status Trainer::CheckData() {
  return config_.data().sharded() ? CheckShards(*group_, place_, *train_)
                                  : CheckClipsAgree(*group_, *train_, *test_);
}

absl::Status Trainer::OpenLoader() {
  data::LoaderOptions loader;
  loader.batch_size = config_.training().batch_size();
  loader.num_workers = config_.data().workers();
  loader.batches_per_step = config_.training().accumulation();
  loader.page_locked = options_.device.is_cuda();
  loader.num_shards = place_.count;
  loader.shard_index = place_.index;
  loader.start = session_.position();
  if (group_ != nullptr && config_.data().sharded()) {
    RETURN_IF_ERROR(UsageError(EndEpochsTogether(*group_, *train_, &loader)));
  }
  ASSIGN_OR_RETURN(loader_,
                   UsageError(data::Loader::Create(train_.get(), loader)));
  if (!session_.IsOver()) session_.SetPosition(loader_->position());
  expected_steps_ = session_.ExpectedSteps(*loader_);
  if (!session_.IsAtTheEnd()) session_.mutable_state().set_finished(false);
  return absl::OkStatus();
}

absl::Status Trainer::TrainToTheEnd() {
  learner_->model().train();
  while (!session_.IsAtTheEnd()) {
    // Several processes stop at the same step: when all have heard of it.
    if (group_ == nullptr) stop_ = options_.hooks.IsStopped();
    if (stop_) return SaveAndStop();
    RETURN_IF_ERROR(TakeStep());
    if (session_.IsAtEpochEnd()) {
      RETURN_IF_ERROR(Tell([](TrainingObserver& observer, const RunView& run) {
        return observer.AfterEpoch(run);
      }));
    }
    if (session_.IsTimeToSave()) {
      RETURN_IF_ERROR(session_.Save(learner_->learnt()));
    }
    RETURN_IF_ERROR(LookForBest());
  }
  session_.mutable_state().set_finished(true);
  RETURN_IF_ERROR(session_.Save(learner_->learnt()));
  RETURN_IF_ERROR(LookForBest());
  WarnOfChangedClips();  // after the save, for it may take minutes
  return Tell([this](TrainingObserver& observer, const RunView& run) {
    return observer.End(run, timer_);
  });
}

// No process leaves before rank 0 has saved: what started them may end the rest
// when the first one ends.
absl::Status Trainer::SaveAndStop() {
  const absl::Status saved = session_.Save(learner_->learnt());
  try {
    RETURN_IF_ERROR(AgreeOn(group_.get(), saved));
  } catch (const parallel::PeerLost&) {
    // Nothing is wrong with what is saved.
    if (session_.folder() == nullptr) throw;
    RETURN_IF_ERROR(saved);
  }
  return StoppedError();
}

absl::Status Trainer::TakeStep() {
  const Stopwatch waiting;
  timer_.Begin("data");
  ASSIGN_OR_RETURN(const Batches batches, NextBatches());
  const double data_seconds = waiting.Seconds();
  timer_.End();
  RETURN_IF_ERROR(TimeWholeStep(batches));
  const Stopwatch step;
  const absl::StatusOr<StepResult> result = learner_->Step(
      batches, session_.state().step(),
      {options_.hooks.IsStopped(), session_.state().trained_seconds()}, timer_);
  if (!result.ok()) {
    return FailedStep(WithPairs(result.status(), batches, group_.get()));
  }
  timer_.Begin("logging");
  const double seconds = data_seconds + step.Seconds();
  session_.Advance(*result, seconds, loader_->position());
  stop_ = result->news.stop;
  const StepTime time = {seconds, data_seconds / seconds};
  RETURN_IF_ERROR(Tell([&](TrainingObserver& observer, const RunView& run) {
    return observer.AfterStep(run, result->report, time);
  }));
  WarnIfCacheFails();
  WarnOfBadClips();
  timer_.End();
  return absl::OkStatus();
}

absl::StatusOr<Batches> Trainer::NextBatches() {
  Batches batches;
  for (int i = 0; i < config_.training().accumulation(); ++i) {
    ASSIGN_OR_RETURN(data::Batch batch, loader_->Next());
    batches.push_back(std::move(batch));
  }
  return batches;
}

// Steps that teach only motion take a fraction of a whole one's time. So that
// observers can tell how long the run will take, one of these is tried first:
// twice, for the first time also sets up memory and threads.
absl::Status Trainer::TimeWholeStep(const Batches& batches) {
  const int64_t motion_steps = config_.training().motion_steps();
  if (is_timed_ || session_.state().step() >= motion_steps ||
      expected_steps_ <= motion_steps) {
    return absl::OkStatus();
  }
  is_timed_ = true;
  double seconds = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < 2; ++trial) {
    const Stopwatch step;
    RETURN_IF_ERROR(learner_->Rehearse(batches, motion_steps));
    seconds = std::min(seconds, step.Seconds());
  }
  for (TrainingObserver* observer : observers_) {
    observer->TimeWholeStep(seconds);
  }
  return absl::OkStatus();
}

// Says what to go on with. Where another process is lost, nothing is wrong with
// what this one has learnt.
absl::Status Trainer::FailedStep(const absl::Status& error) {
  const CheckpointStore* store = session_.store();
  if (store == nullptr) return error;
  if (absl::IsUnavailable(error)) {
    RETURN_IF_ERROR(session_.Save(learner_->learnt()));
    return absl::UnavailableError(
        absl::StrCat(error.message(), "; step ", session_.state().step(),
                     " is saved in ", store->Newest(),
                     ": start all processes again, of any number, to go on"));
  }
  if (!absl::IsOutOfRange(error)) return error;
  return absl::OutOfRangeError(
      absl::StrCat(error.message(), "; last good checkpoint: ", store->Newest(),
                   ". Try a smaller training.learning_rate"));
}

// Rank 0 alone looks. Where it is stopped at that, or fails, all end alike. But
// at the end nothing is left for the others to wait for, and neither does it
// need them.
absl::Status Trainer::LookForBest() {
  const bool finished = session_.state().finished();
  if (!finished && !session_.EpochEndsWithCheckpoint()) return absl::OkStatus();
  try {
    return AgreeOn(finished ? nullptr : group_.get(),
                   best_ ? LookIfDue() : absl::OkStatus());
  } catch (const parallel::PeerLost& error) {
    return FailedStep(absl::UnavailableError(error.what()));
  }
}

absl::Status Trainer::LookIfDue() {
  const CheckpointState& state = session_.state();
  const int64_t looked_at = state.looked_at_step();
  RETURN_IF_ERROR(best_->LookIfDue(
      *learner_, options_.device, options_.hooks, [this](double l1) {
        return Tell([l1](TrainingObserver& observer, const RunView& run) {
          return observer.Measure(run, "test/l1", l1);
        });
      }));
  // No later save tells of the look at the end, nor does a longer run repeat
  // it: what it found must be known there.
  return state.finished() && state.looked_at_step() != looked_at
             ? session_.Save(learner_->learnt())
             : absl::OkStatus();
}

// Once a session.
void Trainer::WarnIfCacheFails() {
  const absl::Status status = learner_->objective().embedding_cache_status();
  if (status.ok() || warned_of_cache_) return;
  warned_of_cache_ = true;
  options_.hooks.Warn(absl::StrCat(
      "embeddings of frames are no longer kept (", status.message(),
      "); training goes on and computes them anew in each epoch"));
}

// Those whose damage was seen when they were read; OpenSplit tells of others.
void Trainer::WarnOfBadClips() {
  const std::vector<data::BadClip> bad = train_->bad_clips();
  for (; num_told_bad_ < bad.size(); ++num_told_bad_) {
    options_.hooks.Warn(data::LeftOut(bad[num_told_bad_]));
  }
}

// Clips are read when they are drawn. A session that goes on hears of changes
// before it by CompareClips.
void Trainer::WarnOfChangedClips() {
  // One process tells of the clips that several have.
  if (place_.index != 0) return;
  const std::vector<std::string> changed = data::ChangedClips(train_->clips());
  if (changed.empty()) return;
  options_.hooks.Warn(
      absl::StrCat(changed.size(),
                   changed.size() == 1 ? " training clip" : " training clips",
                   " changed while the run went on, as ", changed[0],
                   "; another run of the same config may end otherwise"));
}

absl::Status Trainer::Conclude() {
  if (session_.folder() == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const Evaluation evaluation,
      ConcludeRun(*session_.folder(), session_.state().step(), config_,
                  *learner_, options_.device, *test_, options_.hooks));
  const WeightAverage::Scope averaged(learner_->average());
  return Tell([&](TrainingObserver& observer, const RunView& run) {
    return observer.Conclude(run, evaluation);
  });
}

}  // namespace

StageTimer::Synchronize StageSynchronization(torch::Device device,
                                             bool profile) {
  if (!profile || !device.is_cuda()) return nullptr;
  return [gpu = device.index()] { torch::cuda::synchronize(gpu); };
}

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
  absl::Status is_open;
  if (options.process.rank == 0) {
    absl::StatusOr<RunFolder> opened = RunFolder::Open(options.output);
    is_open = opened.status();
    if (opened.ok()) folder = *std::move(opened);
  }
  try {
    RETURN_IF_ERROR(AgreeOn(group.get(), is_open));
    return Trainer(options, std::move(folder), std::move(group)).Run();
  } catch (const parallel::PeerLost& error) {
    return absl::UnavailableError(error.what());
  }
}

}  // namespace pipelines
