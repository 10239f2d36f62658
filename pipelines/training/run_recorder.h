// Writes down what happens to a run: config, tables, events, strips of pictures
// and the page, in its folder.
#ifndef PIPELINES_TRAINING_RUN_RECORDER_H_
#define PIPELINES_TRAINING_RUN_RECORDER_H_

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/training/training_log.h"
#include "pipelines/training/training_observer.h"

namespace pipelines {

// Of rank 0. A strip of pictures is drawn, and the page written anew, after
// every training.picture_epochs epochs; of short epochs, after as many as keep
// this below kPictureShare of the session's time. (By the clock, since nothing
// else follows from it.) At the end there is always one.
class RunRecorder : public TrainingObserver {
 public:
  static constexpr double kPictureShare = 0.05;

  using CommandOf = std::function<std::string(const std::string& checkpoint)>;

  // For the page: `device` in words, and the command that animates with the
  // checkpoint of a run's folder, which may be empty.
  RunRecorder(torch::Device device, std::string device_name,
              CommandOf animate_command)
      : device_(device),
        device_name_(std::move(device_name)),
        animate_command_(std::move(animate_command)) {}

  absl::Status Begin(const RunView& run) override;
  absl::Status AfterStep(const RunView& run, const StepReport& report,
                         const StepTime& time) override;
  absl::Status AfterEpoch(const RunView& run) override;
  absl::Status Measure(const RunView& run, const std::string& name,
                       double value) override;
  absl::Status End(const RunView& run, const StageTimer& timer) override;
  absl::Status Conclude(const RunView& run,
                        const Evaluation& evaluation) override;

 private:
  absl::Status DrawStrip(const RunView& run);
  absl::Status WriteIndex(const RunView& run,
                          const std::optional<Evaluation>& evaluation) const;

  const torch::Device device_;
  const std::string device_name_;
  const CommandOf animate_command_;
  std::optional<TrainingLog> log_;
  torch::Tensor preview_source_, preview_driving_;
  Stopwatch session_;
  double picture_seconds_ = 0;       // of the session
  double last_picture_seconds_ = 0;  // of the last strip and page
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_RUN_RECORDER_H_
