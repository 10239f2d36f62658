// The processes of a data-parallel run, and what they compute together. On
// LibTorch's c10d: Gloo on the CPU, NCCL on GPUs.
//
// All collectives must be called by all processes, in the same order. On the
// CPU they throw PeerLost where another process has ended (at once) or is
// silent (after the timeout); exceptions, because they must pass through
// autograd. With NCCL they only queue work: after the timeout LibTorch ends the
// program by SIGABRT (its TORCH_NCCL_ASYNC_ERROR_HANDLING).
#ifndef PIPELINES_PARALLEL_PROCESS_GROUP_H_
#define PIPELINES_PARALLEL_PROCESS_GROUP_H_

#include <torch/types.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pipelines/parallel/process_environment.h"

namespace pipelines::parallel {

// Another process of the group has ended or is silent.
class PeerLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// This process's place among the processes of a run. They leave it when the
// object goes. One thread at a time.
class ProcessGroup {
 public:
  // Waits until all processes are there. Unavailable if they are not within
  // `timeout`; Unimplemented if this LibTorch has no backend for `device`.
  static absl::StatusOr<std::shared_ptr<ProcessGroup>> Join(
      const ProcessEnvironment& environment, torch::Device device,
      absl::Duration timeout);

  ~ProcessGroup();

  int rank() const;
  int size() const;

  // Makes `text` that of rank 0.
  void Broadcast(std::string* text);

  // The texts of all processes, by rank.
  std::vector<std::string> Gather(const std::string& text);

  // Adds up `tensor`, contiguous and on the group's device, in place. The
  // second form only starts to, and returns what waits for the end.
  void Sum(torch::Tensor tensor);
  std::function<void()> StartSum(torch::Tensor tensor);

  // The sum of `tensor`; its gradient is the sum of the gradients. For values
  // inside the network: apart from the sums above, which may be under way.
  torch::Tensor DifferentiableSum(const torch::Tensor& tensor);

 private:
  class Impl;
  explicit ProcessGroup(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
};

}  // namespace pipelines::parallel

#endif  // PIPELINES_PARALLEL_PROCESS_GROUP_H_
