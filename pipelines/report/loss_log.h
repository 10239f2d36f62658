// The table of losses over steps, losses.csv: a header line, then one line a
// step, flushed as it is written.
//
// Numbers have nine significant digits, which tell any two float32 apart, so
// that the logs of two runs can be compared byte for byte.
//
// A column that an earlier program called otherwise is read by its present
// name. A resumed run writes the present name into the file.
#ifndef PIPELINES_REPORT_LOSS_LOG_H_
#define PIPELINES_REPORT_LOSS_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/files/append_file.h"
#include "pipelines/report/plot.h"

namespace pipelines {

// The table while it is written. Movable; closes its file when destroyed.
class LossLog {
 public:
  // Opens `path` with the columns "step" and `columns`. To a file that is
  // there, lines are added: those of steps above `resume_step` and a cut-off
  // last line are taken out first (the file is rewritten and renamed). With
  // resume_step < 0 the table starts anew.
  //
  // FailedPrecondition if the file on disk has other columns, InvalidArgument
  // if a line of it holds anything but numbers; the errors of reading it. On
  // any error the file stays as it is.
  static absl::StatusOr<LossLog> Open(const std::string& path,
                                      const std::vector<std::string>& columns,
                                      int64_t resume_step = -1);

  // One value a column. InvalidArgument for another number of values.
  absl::Status Add(int64_t step, const std::vector<double>& values);

 private:
  LossLog(std::string path, size_t num_columns,
          networks::files::AppendFile file);

  std::string path_;
  size_t num_columns_;
  networks::files::AppendFile file_;
};

// Reads a table back as one series a column, for plotting. A cut-off last line
// is left out. NotFound or InvalidArgument names file and line.
absl::StatusOr<std::vector<Series>> ReadLossLog(const std::string& path);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_LOSS_LOG_H_
