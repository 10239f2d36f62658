#include "pipelines/training/training_log.h"

#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "networks/files/read_file.h"
#include "networks/files/set_aside.h"
#include "pipelines/config/config.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

// TensorBoard groups tags by what stands before the slash.
std::string Tag(const StepValue& value) {
  return absl::StrCat(
      value.kind == StepValueKind::kLoss ? "loss/" : "training/", value.name);
}

// With step 0 too: what is there may be no table of ours.
absl::StatusOr<LossLog> OpenTable(const std::string& path,
                                  const std::vector<std::string>& columns,
                                  int64_t step) {
  absl::StatusOr<LossLog> log = LossLog::Open(path, columns, step);
  if (!absl::IsFailedPrecondition(log.status())) return log;
  const fs::path name(path);  // losses.csv as losses-before-<step>.csv
  const absl::Status is_kept =
      networks::files::SetAside(
          path, absl::StrCat(name.stem().string(), "-before-", step,
                             name.extension().string()))
          .status();
  if (!is_kept.ok()) {
    return absl::Status(is_kept.code(), absl::StrCat(log.status().message(),
                                                     "; ", is_kept.message()));
  }
  return LossLog::Open(path, columns, step);
}

}  // namespace

absl::StatusOr<TrainingLog> TrainingLog::Open(const RunFolder& folder,
                                              const Config& config,
                                              const StepReport& layout,
                                              int64_t step) {
  std::vector<std::string> columns;
  for (const StepValue& value : layout.values()) columns.push_back(value.name);
  ASSIGN_OR_RETURN(LossLog losses, OpenTable(folder.losses(), columns, step));
  ASSIGN_OR_RETURN(LossLog timing,
                   OpenTable(folder.timing(), {"seconds", "data_share"}, step));
  ASSIGN_OR_RETURN(EventLog events,
                   EventLog::Create(folder.events(), step + 1));
  RETURN_IF_ERROR(events.AddText(
      "config", step, absl::StrCat("```\n", ConfigText(config), "```\n")));
  RETURN_IF_ERROR(events.Flush());
  return TrainingLog(std::move(losses), std::move(timing), std::move(events));
}

absl::Status TrainingLog::Add(int64_t step, const StepReport& report,
                              const StepTime& time) {
  std::vector<double> values;
  for (const StepValue& value : report.values()) {
    values.push_back(value.value);
    if (std::isnan(value.value)) continue;  // has not started
    RETURN_IF_ERROR(events_.AddScalar(Tag(value), step, value.value));
  }
  RETURN_IF_ERROR(
      events_.AddScalar("time/seconds_per_step", step, time.seconds));
  RETURN_IF_ERROR(events_.AddScalar("time/data_share", step, time.data_share));
  RETURN_IF_ERROR(events_.Flush());
  RETURN_IF_ERROR(timing_.Add(step, {time.seconds, time.data_share}));
  return losses_.Add(step, values);
}

absl::Status TrainingLog::AddPicture(int64_t step, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string png,
                   networks::files::ReadNonEmptyFile(path));
  ASSIGN_OR_RETURN(const cv::Mat image, media::ReadImage(path));
  RETURN_IF_ERROR(
      events_.AddImage("pictures", step, image.rows, image.cols, png));
  return events_.Flush();
}

absl::Status TrainingLog::AddScalar(const std::string& name, int64_t step,
                                    double value) {
  RETURN_IF_ERROR(events_.AddScalar(name, step, value));
  return events_.Flush();
}

}  // namespace pipelines
