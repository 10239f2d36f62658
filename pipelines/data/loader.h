// Batches of training pairs, prepared ahead of the training step.
#ifndef PIPELINES_DATA_LOADER_H_
#define PIPELINES_DATA_LOADER_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/data/dataset.h"

namespace pipelines::data {

// A place in the endless sequence of batches; what a checkpoint stores.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t step = 0;  // batches of this epoch that were taken
};

struct LoaderOptions {
  // Samples a batch, on this process; at least 1.
  int batch_size = 8;

  // Threads that decode; 0 decodes inside Next().
  int num_workers = 1;

  // Batches that may be ready or in the making; at least 1.
  int num_prefetched = 3;

  // For data-parallel training: this process takes the shard_index-th of every
  // num_shards slices of batch_size samples, so that num_shards processes
  // together see the batches that one process with num_shards * batch_size
  // would see.
  int shard_index = 0;
  int num_shards = 1;

  // An epoch has a multiple of so many batches: those that make one training
  // step are of one epoch.
  int batches_per_step = 1;

  // An epoch ends after so many batches at the latest, a multiple of
  // batches_per_step; 0: with the dataset's.
  int64_t max_steps_per_epoch = 0;

  // Batches lie in page-locked memory, from which a CUDA device copies them
  // while it computes; needs one.
  bool page_locked = false;

  LoaderPosition start;
};

struct Batch {
  torch::Tensor source;            // [B, 3, H, W] float32 RGB in [0, 1], CPU
  torch::Tensor driving;           // as source
  std::vector<std::string> pairs;  // B samples, InWords
  LoaderPosition position;         // of this batch
};

// The sequence of batches follows from the dataset's sequence law and the batch
// size alone: batch `step` of an epoch holds the samples step * B ..
// step * B + B - 1 of that epoch. What does not fill a batch at the end of an
// epoch is left out (each epoch has its own order, so nothing is lost for
// good). Next() is for one thread at a time.
class Loader {
 public:
  // `dataset` must outlive the loader. InvalidArgument for bad options, or when
  // an epoch of the dataset does not fill one batch.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(
      Dataset* dataset, const LoaderOptions& options);

  // Batches that an epoch of `dataset` has by `options`, which must be good; 0
  // where it does not fill a training step.
  static int64_t StepsPerEpoch(const Dataset& dataset,
                               const LoaderOptions& options);

  // Stops the workers after the samples at hand.
  ~Loader();

  // The next batch; after the last one of an epoch, the first of the next. The
  // error of Dataset::Get when a sample of the batch cannot be had; every
  // further call returns it again.
  absl::StatusOr<Batch> Next();

  // Position of the batch that Next() returns next. A loader that is created
  // with this as options.start goes on with the same sequence.
  LoaderPosition position() const;

  int64_t steps_per_epoch() const;

 private:
  class Impl;
  explicit Loader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_LOADER_H_
