#include "pipelines/training/run_recorder.h"

#include <torch/types.h>

#include "networks/files/atomic_file.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/config/config.h"
#include "pipelines/optimizer/weight_average.h"
#include "pipelines/training/preview.h"
#include "pipelines/training/run_report.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Samples in the strip of pictures.
constexpr int kPreviewRows = 4;

}  // namespace

absl::Status RunRecorder::Begin(const RunView& run) {
  RETURN_IF_ERROR(networks::files::WriteAtomically(run.folder.config(),
                                                   ConfigText(run.config)));
  ASSIGN_OR_RETURN(
      log_, TrainingLog::Open(run.folder, run.config, run.learner.Layout(),
                              run.state.step()));
  ASSIGN_OR_RETURN(const PreviewPairs pairs,
                   ReadPreviewPairs(run.test, kPreviewRows));
  preview_source_ = pairs.source.to(device_);
  preview_driving_ = pairs.driving.to(device_);
  session_.Restart();
  return absl::OkStatus();
}

absl::Status RunRecorder::AfterStep(const RunView& run,
                                    const StepReport& report,
                                    const StepTime& time) {
  return log_->Add(run.state.step(), report, time);
}

absl::Status RunRecorder::AfterEpoch(const RunView& run) {
  const bool is_due =
      run.state.epoch() % run.config.training().picture_epochs() == 0 &&
      picture_seconds_ + last_picture_seconds_ <=
          kPictureShare * session_.Seconds();
  if (!is_due) return absl::OkStatus();
  const Stopwatch pictures;
  RETURN_IF_ERROR(DrawStrip(run));
  RETURN_IF_ERROR(WriteIndex(run, std::nullopt));
  last_picture_seconds_ = pictures.Seconds();
  picture_seconds_ += last_picture_seconds_;
  return absl::OkStatus();
}

absl::Status RunRecorder::Measure(const RunView& run, const std::string& name,
                                  double value) {
  return log_->AddScalar(name, run.state.step(), value);
}

absl::Status RunRecorder::End(const RunView& run, const StageTimer&) {
  return DrawStrip(run);
}

absl::Status RunRecorder::Conclude(const RunView& run,
                                   const Evaluation& evaluation) {
  return WriteIndex(run, evaluation);
}

absl::Status RunRecorder::WriteIndex(
    const RunView& run, const std::optional<Evaluation>& evaluation) const {
  RunIndex index;
  index.layout = run.learner.Layout();
  index.device = device_name_;
  index.evaluation = evaluation;
  if (animate_command_ && !ListCheckpoints(run.folder.checkpoints()).empty()) {
    // The folder stands for its best checkpoint.
    index.commands.push_back(
        {"Animate an image of your own", animate_command_(run.folder.path())});
  }
  return WriteRunIndex(run.folder, run.state, index);
}

absl::Status RunRecorder::DrawStrip(const RunView& run) {
  const WeightAverage::Scope averaged(run.learner.average());
  ASSIGN_OR_RETURN(
      const std::string path,
      WriteStrip(run.folder, run.learner.model(), run.config.model(),
                 preview_source_, preview_driving_, run.state.epoch()));
  return log_->AddPicture(run.state.step(), path);
}

}  // namespace pipelines
