#include "pipelines/data/loader.h"

#include <torch/types.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/base/caught_exception.h"
#include "pipelines/base/joined_threads.h"
#include "pipelines/data/image_tensor.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

absl::Status Validate(const LoaderOptions& options) {
  const struct {
    const char* name;
    int64_t value, min;
  } fields[] = {{"batch_size", options.batch_size, 1},
                {"num_workers", options.num_workers, 0},
                {"num_prefetched", options.num_prefetched, 1},
                {"num_shards", options.num_shards, 1},
                {"batches_per_step", options.batches_per_step, 1},
                {"max_steps_per_epoch", options.max_steps_per_epoch, 0},
                {"shard_index", options.shard_index, 0},
                {"start.epoch", options.start.epoch, 0},
                {"start.step", options.start.step, 0}};
  for (const auto& field : fields) {
    if (field.value >= field.min) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("loader: ", field.name, " is ", field.value,
                     "; it must be at least ", field.min));
  }
  if (options.shard_index < options.num_shards) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("loader: shard_index is ", options.shard_index, " of ",
                   options.num_shards, " shards"));
}

// Samples that a training step takes from the dataset.
int64_t SamplesOfStep(const LoaderOptions& options) {
  return int64_t{options.batch_size} * options.num_shards *
         options.batches_per_step;
}

}  // namespace

class Loader::Impl {
 public:
  Impl(Dataset* dataset, const LoaderOptions& options, int64_t steps_per_epoch)
      : dataset_(dataset),
        options_(options),
        steps_per_epoch_(steps_per_epoch),
        next_position_(Begun(options.start)),
        produced_(next_position_) {
    // Where none can be started, Next() does their work.
    workers_
        .Start(static_cast<size_t>(options_.num_workers), [this] { Work(); })
        .IgnoreError();
  }

  ~Impl() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    workers_.Join();
  }

  absl::StatusOr<Batch> Next();
  LoaderPosition position() const { return next_position_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }

 private:
  // A batch in the making. Its samples are handed out one by one, so that
  // several workers share the first batch, for which somebody is waiting.
  struct Pending {
    Batch batch;
    int num_begun = 0;
    int num_done = 0;
    absl::Status error;
  };

  // What is behind the last step is the beginning of the next epoch, also where
  // epochs had more steps when `position` was left.
  LoaderPosition Begun(const LoaderPosition& position) const {
    return position.step < steps_per_epoch_
               ? position
               : LoaderPosition{position.epoch + 1, 0};
  }
  LoaderPosition After(LoaderPosition position) const {
    ++position.step;
    return Begun(position);
  }

  std::shared_ptr<Pending> NewPending();
  std::shared_ptr<Pending> FindWork();
  absl::Status MakeSample(Pending* pending, int item);
  void Work();
  absl::Status WorkUntilStopped(std::unique_lock<std::mutex>* lock);
  absl::StatusOr<Batch> Finish(const Pending& pending);

  Dataset* const dataset_;
  const LoaderOptions options_;
  const int64_t steps_per_epoch_;
  LoaderPosition next_position_;  // of what Next() returns
  absl::Status error_;            // sticks

  std::mutex mutex_;               // guards the rest
  std::condition_variable work_;   // there may be something to do
  std::condition_variable ready_;  // the first batch may be complete
  std::deque<std::shared_ptr<Pending>> queue_;
  LoaderPosition produced_;  // of the next batch that enters the queue
  bool stopping_ = false;
  bool has_thrown_ = false;  // a worker, as by lack of memory
  CaughtException thrown_;

  JoinedThreads workers_;
};

std::shared_ptr<Loader::Impl::Pending> Loader::Impl::NewPending() {
  auto pending = std::make_shared<Pending>();
  const cv::Size size = dataset_->image_size();
  pending->batch.position = produced_;
  pending->batch.pairs.resize(static_cast<size_t>(options_.batch_size));
  for (torch::Tensor* images :
       {&pending->batch.source, &pending->batch.driving}) {
    *images = torch::empty(
        {options_.batch_size, 3, size.height, size.width},
        torch::TensorOptions().pinned_memory(options_.page_locked));
  }
  produced_ = After(produced_);
  return pending;
}

// The first batch with a sample that nobody has begun. With mutex_ held.
std::shared_ptr<Loader::Impl::Pending> Loader::Impl::FindWork() {
  for (const std::shared_ptr<Pending>& pending : queue_) {
    if (pending->num_begun < options_.batch_size) return pending;
  }
  if (static_cast<int>(queue_.size()) >= options_.num_prefetched) {
    return nullptr;
  }
  queue_.push_back(NewPending());
  return queue_.back();
}

absl::Status Loader::Impl::MakeSample(Pending* pending, int item) {
  Batch& batch = pending->batch;
  const int64_t slice =
      batch.position.step * options_.num_shards + options_.shard_index;
  ASSIGN_OR_RETURN(
      const Sample sample,
      dataset_->Get(batch.position.epoch, slice * options_.batch_size + item));
  ImageToTensor(sample.frames.source, batch.source[item]);
  ImageToTensor(sample.frames.driving, batch.driving[item]);
  batch.pairs[static_cast<size_t>(item)] = InWords(sample);
  return absl::OkStatus();
}

// What is thrown in a worker, Next() throws where somebody can say what to do.
void Loader::Impl::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  const absl::Status status =
      thrown_.StatusOf([&] { return WorkUntilStopped(&lock); });
  if (status.ok()) return;
  if (!lock.owns_lock()) lock.lock();
  has_thrown_ = true;
  ready_.notify_one();
}

absl::Status Loader::Impl::WorkUntilStopped(
    std::unique_lock<std::mutex>* lock) {
  while (true) {
    std::shared_ptr<Pending> pending;
    work_.wait(*lock,
               [&] { return stopping_ || (pending = FindWork()) != nullptr; });
    if (stopping_) return absl::OkStatus();
    const int item = pending->num_begun++;
    lock->unlock();
    const absl::Status status = MakeSample(pending.get(), item);
    lock->lock();
    if (!status.ok() && pending->error.ok()) pending->error = status;
    if (++pending->num_done == options_.batch_size) ready_.notify_one();
  }
}

absl::StatusOr<Batch> Loader::Impl::Finish(const Pending& pending) {
  if (!pending.error.ok()) return error_ = pending.error;
  next_position_ = After(pending.batch.position);
  return pending.batch;
}

absl::StatusOr<Batch> Loader::Impl::Next() {
  RETURN_IF_ERROR(error_);
  std::shared_ptr<Pending> first;
  if (workers_.empty()) {
    first = NewPending();
    for (int i = 0; i < options_.batch_size && first->error.ok(); ++i) {
      first->error = MakeSample(first.get(), i);
    }
  } else {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [&] {
      return has_thrown_ || (!queue_.empty() &&
                             queue_.front()->num_done == options_.batch_size);
    });
    if (has_thrown_) thrown_.Rethrow();
    first = queue_.front();
    queue_.pop_front();
    lock.unlock();
    work_.notify_all();
  }
  return Finish(*first);
}

Loader::Loader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Loader::~Loader() = default;

absl::StatusOr<std::unique_ptr<Loader>> Loader::Create(
    Dataset* dataset, const LoaderOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  const int64_t steps_per_epoch = StepsPerEpoch(*dataset, options);
  if (steps_per_epoch < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("loader: an epoch has ", dataset->size(),
                     " samples (clips or identities, times data.repeats) and a "
                     "step takes ",
                     SamplesOfStep(options),
                     "; raise data.repeats or lower training.batch_size"));
  }
  return std::unique_ptr<Loader>(
      new Loader(std::make_unique<Impl>(dataset, options, steps_per_epoch)));
}

int64_t Loader::StepsPerEpoch(const Dataset& dataset,
                              const LoaderOptions& options) {
  const int64_t steps =
      dataset.size() / SamplesOfStep(options) * options.batches_per_step;
  return options.max_steps_per_epoch > 0
             ? std::min(steps, options.max_steps_per_epoch)
             : steps;
}

absl::StatusOr<Batch> Loader::Next() { return impl_->Next(); }
LoaderPosition Loader::position() const { return impl_->position(); }
int64_t Loader::steps_per_epoch() const { return impl_->steps_per_epoch(); }

}  // namespace pipelines::data
