// Groups of processes for tests: here they are threads, each with a group of
// its own. Whole processes are in pipelines/training/parallel_training_test.cc.
#ifndef PIPELINES_PARALLEL_TESTING_GROUP_H_
#define PIPELINES_PARALLEL_TESTING_GROUP_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "pipelines/parallel/free_port.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/parallel/process_group.h"

namespace pipelines::parallel {

// Runs `body` as each of `size` processes.
inline void RunTogether(
    int size,
    const std::function<void(const std::shared_ptr<ProcessGroup>&)>& body) {
  ProcessEnvironment environment;
  environment.size = size;
  environment.address = "127.0.0.1";
  environment.port = FreePort();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([environment, rank, &body]() mutable {
      environment.rank = rank;
      const auto group =
          ProcessGroup::Join(environment, torch::kCPU, absl::Seconds(60));
      ASSERT_TRUE(group.ok()) << group.status();
      body(*group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The part of a batch that a process of the group has.
inline torch::Tensor Part(const torch::Tensor& x, const ProcessGroup& group) {
  const int64_t size = x.size(0) / group.size();
  return x.narrow(0, group.rank() * size, size);
}

}  // namespace pipelines::parallel

#endif  // PIPELINES_PARALLEL_TESTING_GROUP_H_
