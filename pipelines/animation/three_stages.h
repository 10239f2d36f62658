// Reading, computing and writing at the same time: three threads with bounded
// queues between them.
#ifndef PIPELINES_ANIMATION_THREE_STAGES_H_
#define PIPELINES_ANIMATION_THREE_STAGES_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/animation/bounded_queue.h"
#include "pipelines/base/caught_exception.h"
#include "pipelines/base/joined_threads.h"

namespace pipelines {

// Seconds that each stage worked, waiting left out.
struct StageSeconds {
  double read = 0;
  double compute = 0;
  double write = 0;
};

template <typename In, typename Out>
struct ThreeStages {
  // The next input; empty after the last. In a thread of its own.
  std::function<absl::StatusOr<std::optional<In>>()> read;
  // Any number of outputs for 1 to `batch_size` inputs, in order. In the
  // calling thread.
  std::function<absl::StatusOr<std::vector<Out>>(std::vector<In>)> compute;
  // In a thread of its own.
  std::function<absl::Status(Out)> write;

  size_t batch_size = 1;
  // Inputs come by the clock: compute takes what is there, and inputs for which
  // it has no time are dropped.
  bool live = false;

  // Until all is written, or to the first error, which is returned, or
  // exception, which is thrown; then the other stages stop at their next item.
  // Unavailable if the system lets this process start no more threads.
  absl::Status Run(StageSeconds* seconds);

 private:
  using Clock = std::chrono::steady_clock;

  // Adds the time that `work` takes to `seconds`.
  template <typename Work>
  static auto Timed(double* seconds, const Work& work) {
    const Clock::time_point begin = Clock::now();
    auto result = work();
    *seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    return result;
  }

  absl::Status ReadAll(BoundedQueue<In>& inputs, double* seconds);
  absl::Status ComputeAll(BoundedQueue<In>& inputs, BoundedQueue<Out>& outputs,
                          double* seconds);
  absl::Status WriteAll(BoundedQueue<Out>& outputs, double* seconds);
  std::vector<In> NextBatch(BoundedQueue<In>& inputs) const;
};

template <typename In, typename Out>
absl::Status ThreeStages<In, Out>::Run(StageSeconds* seconds) {
  // While one batch is computed the next one is read and the last one written.
  BoundedQueue<In> inputs(live ? 1 : batch_size + 1);
  BoundedQueue<Out> outputs(batch_size + 1);
  absl::Status read_status, write_status;
  CaughtException caught;
  JoinedThreads reader, writer;
  absl::Status started = reader.Start(1, [&] {
    read_status =
        caught.StatusOf([&] { return ReadAll(inputs, &seconds->read); });
    inputs.Close();
    // An input that cannot be read makes all output worthless.
    if (!read_status.ok()) inputs.Cancel();
  });
  started.Update(writer.Start(1, [&] {
    write_status =
        caught.StatusOf([&] { return WriteAll(outputs, &seconds->write); });
    if (!write_status.ok()) outputs.Cancel();
  }));
  if (!started.ok()) {
    inputs.Cancel();
    outputs.Cancel();
    return started;
  }
  const absl::Status compute_status = caught.StatusOf(
      [&] { return ComputeAll(inputs, outputs, &seconds->compute); });
  inputs.Cancel();
  reader.Join();
  outputs.Close();
  if (!read_status.ok() || !compute_status.ok()) outputs.Cancel();
  writer.Join();
  caught.Rethrow();
  if (!read_status.ok()) return read_status;
  if (!compute_status.ok()) return compute_status;
  return write_status;
}

template <typename In, typename Out>
absl::Status ThreeStages<In, Out>::ReadAll(BoundedQueue<In>& inputs,
                                           double* seconds) {
  for (;;) {
    absl::StatusOr<std::optional<In>> input = Timed(seconds, read);
    if (!input.ok()) return input.status();
    if (!*input) return absl::OkStatus();
    const bool wanted = live ? inputs.PushDroppingOldest(**std::move(input))
                             : inputs.Push(**std::move(input));
    if (!wanted) return absl::OkStatus();
  }
}

template <typename In, typename Out>
std::vector<In> ThreeStages<In, Out>::NextBatch(
    BoundedQueue<In>& inputs) const {
  std::vector<In> batch;
  while (batch.size() < batch_size) {
    std::optional<In> input =
        live && !batch.empty() ? inputs.TryPop() : inputs.Pop();
    if (!input) break;
    batch.push_back(*std::move(input));
  }
  return batch;
}

template <typename In, typename Out>
absl::Status ThreeStages<In, Out>::ComputeAll(BoundedQueue<In>& inputs,
                                              BoundedQueue<Out>& outputs,
                                              double* seconds) {
  for (;;) {
    std::vector<In> batch = NextBatch(inputs);
    if (batch.empty()) return absl::OkStatus();
    absl::StatusOr<std::vector<Out>> results =
        Timed(seconds, [&] { return compute(std::move(batch)); });
    if (!results.ok()) return results.status();
    for (Out& result : *results) {
      if (!outputs.Push(std::move(result))) return absl::OkStatus();
    }
  }
}

template <typename In, typename Out>
absl::Status ThreeStages<In, Out>::WriteAll(BoundedQueue<Out>& outputs,
                                            double* seconds) {
  while (std::optional<Out> output = outputs.Pop()) {
    absl::Status status =
        Timed(seconds, [&] { return write(*std::move(output)); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_THREE_STAGES_H_
