// What a run writes down about its steps: tables and TensorBoard events.
#ifndef PIPELINES_TRAINING_TRAINING_LOG_H_
#define PIPELINES_TRAINING_TRAINING_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/report/event_log.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"

namespace pipelines {

// Where the time of a step went, on this machine at that moment.
struct StepTime {
  double seconds = 0;     // the whole step
  double data_share = 0;  // of it, in [0, 1]: waiting for data
};

class TrainingLog {
 public:
  // Opens losses.csv (a function of the config alone), timing.csv (of the
  // machine, too) and a new event file, for what comes after `step`; lines of
  // later steps, of a session that was cut off, are taken out. A losses.csv
  // with other columns, of an older program, is kept as losses-before-<step>.
  static absl::StatusOr<TrainingLog> Open(const RunFolder& folder,
                                          const Config& config,
                                          const std::vector<std::string>& terms,
                                          const std::vector<std::string>& parts,
                                          int64_t step);

  // `step` counts from 1.
  absl::Status Add(int64_t step, const StepReport& report,
                   const StepTime& time);

  // The file `path` (PNG) as the picture of `step`.
  absl::Status AddPicture(int64_t step, const std::string& path);

  // A value that is not there at every step, as an evaluation's.
  absl::Status AddScalar(const std::string& name, int64_t step, double value);

 private:
  TrainingLog(LossLog losses, LossLog timing, EventLog events,
              std::vector<std::string> columns)
      : losses_(std::move(losses)),
        timing_(std::move(timing)),
        events_(std::move(events)),
        columns_(std::move(columns)) {}

  LossLog losses_;
  LossLog timing_;
  EventLog events_;
  std::vector<std::string> columns_;  // of losses_
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINING_LOG_H_
