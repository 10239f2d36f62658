// What a run writes down about its steps: tables and TensorBoard events.
#ifndef PIPELINES_TRAINING_TRAINING_LOG_H_
#define PIPELINES_TRAINING_TRAINING_LOG_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/report/event_log.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/step_report.h"
#include "pipelines/training/step_time.h"

namespace pipelines {

class TrainingLog {
 public:
  // Opens losses.csv (a function of the config alone), timing.csv (of the
  // machine, too) and a new event file, for what comes after `step`; lines of
  // later steps, of a session that was cut off, are taken out. A losses.csv
  // with other columns, of an older program, is kept as losses-before-<step>.
  // The columns are those of `layout`.
  static absl::StatusOr<TrainingLog> Open(const RunFolder& folder,
                                          const Config& config,
                                          const StepReport& layout,
                                          int64_t step);

  // `step` counts from 1. `report` has the names of the layout.
  absl::Status Add(int64_t step, const StepReport& report,
                   const StepTime& time);

  // The file `path` (PNG) as the picture of `step`.
  absl::Status AddPicture(int64_t step, const std::string& path);

  // A value that is not there at every step, as an evaluation's.
  absl::Status AddScalar(const std::string& name, int64_t step, double value);

 private:
  TrainingLog(LossLog losses, LossLog timing, EventLog events)
      : losses_(std::move(losses)),
        timing_(std::move(timing)),
        events_(std::move(events)) {}

  LossLog losses_;
  LossLog timing_;
  EventLog events_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINING_LOG_H_
