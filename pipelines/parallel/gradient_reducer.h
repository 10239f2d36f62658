// Averages gradients over processes while they are being computed.
#ifndef PIPELINES_PARALLEL_GRADIENT_REDUCER_H_
#define PIPELINES_PARALLEL_GRADIENT_REDUCER_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "pipelines/parallel/process_group.h"

namespace pipelines::parallel {

// Gradients are gathered in buckets, each sent as soon as all of its gradients
// are there and the buckets before it have been sent; the backward pass goes on
// meanwhile. The buckets are a function of the parameters alone, so sums are
// rounded alike in every step and every session of a run.
class GradientReducer {
 public:
  // parameters: in the order in which the backward pass is expected to finish
  // them (a wrong guess costs overlap only). Hooks them while it lives.
  GradientReducer(std::shared_ptr<ProcessGroup> group,
                  std::vector<torch::Tensor> parameters,
                  int64_t bucket_bytes = int64_t{16} << 20);
  ~GradientReducer();

  // Before the backward pass whose gradients, with those that it adds to, are
  // to be averaged.
  void Begin();

  // After it: waits, and every gradient is the mean over processes. A parameter
  // without gradient must have none in all processes. Throws PeerLost.
  void Finish();

 private:
  struct Bucket {
    std::vector<torch::Tensor> parameters;
    size_t num_ready = 0;
    torch::Tensor flat;          // defined once sent
    std::function<void()> wait;  // likewise
  };
  class Hook;

  void SetReady(size_t bucket);
  void SendNext();
  void TakeBack(const Bucket& bucket) const;

  std::shared_ptr<ProcessGroup> group_;
  std::vector<Bucket> buckets_;
  std::vector<std::function<void()>> unhook_;
  std::mutex mutex_;  // guards the rest; hooks run in autograd's threads
  bool is_on_ = false;
  size_t next_ = 0;  // the first bucket that was not sent
};

}  // namespace pipelines::parallel

#endif  // PIPELINES_PARALLEL_GRADIENT_REDUCER_H_
