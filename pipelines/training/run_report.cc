#include "pipelines/training/run_report.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "networks/files/folder.h"
#include "pipelines/checkpoint/learning_phase.h"
#include "pipelines/config/config.h"
#include "pipelines/evaluation/evaluation_page.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/report/visualize.h"
#include "pipelines/training/diagnostics.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

// The epoch of a picture named epoch-00003.png; nullopt of any other file, as
// systems leave them in shared folders.
std::optional<int> EpochOf(absl::string_view number) {
  int epoch;
  if (!absl::ConsumePrefix(&number, "epoch-") ||
      !absl::ConsumeSuffix(&number, ".png") ||
      !absl::SimpleAtoi(number, &epoch)) {
    return std::nullopt;
  }
  return epoch;
}

std::vector<Picture> ListStrips(const RunFolder& folder) {
  std::vector<Picture> strips;
  const auto names = networks::files::ListFolder(folder.path() + "/pictures");
  if (!names.ok()) return strips;
  for (const std::string& name : *names) {
    const std::optional<int> epoch = EpochOf(name);
    if (!epoch) continue;
    strips.push_back(
        {absl::StrCat("pictures/", name), absl::StrCat("epoch ", *epoch)});
  }
  std::sort(strips.begin(), strips.end(),
            [](auto& a, auto& b) { return a.path < b.path; });
  return strips;
}

RunPage::Plot PlotOfSteps(std::string title) {
  RunPage::Plot plot;
  plot.options.title = std::move(title);
  plot.options.x_label = "step";
  plot.options.smoothing = 0.02;
  return plot;
}

// The column of losses.csv with this name.
Series ColumnOf(const std::vector<Series>& columns, absl::string_view name) {
  const auto found = std::find_if(
      columns.begin(), columns.end(),
      [name](const Series& column) { return column.name == name; });
  return found == columns.end() ? Series{std::string(name), {}, {}} : *found;
}

// One for the losses, and one for each diagnostic that has a title.
std::vector<RunPage::Plot> Plots(const std::vector<Series>& columns,
                                 const StepReport& layout) {
  RunPage::Plot losses = PlotOfSteps("Losses (weighted)");
  losses.options.log_y = true;
  for (const StepValue& value : layout.values()) {
    if (value.kind != StepValueKind::kLoss) continue;
    losses.series.push_back(ColumnOf(columns, value.name));
  }
  std::vector<RunPage::Plot> plots = {losses};
  for (const Diagnostic& diagnostic : Diagnostics()) {
    if (diagnostic.plot_title == nullptr) continue;
    RunPage::Plot plot = PlotOfSteps(diagnostic.plot_title);
    plot.options.log_y = diagnostic.log_y;
    plot.series.push_back(ColumnOf(columns, diagnostic.name));
    plots.push_back(std::move(plot));
  }
  return plots;
}

std::vector<std::pair<std::string, std::string>> Summary(
    const CheckpointState& state) {
  std::vector<std::pair<std::string, std::string>> summary = {
      {"training steps", absl::StrCat(state.step())},
      {"epochs", absl::StrCat(state.epoch())},
      {"training time",
       absl::StrFormat("%.1f min", state.trained_seconds() / 60)},
      {"time a step",
       absl::StrFormat("%.3f s", state.trained_seconds() /
                                     std::max<int64_t>(state.step(), 1))}};
  const TrainingConfig training = PhasesOf(state);
  if (const std::string phase = PhaseText(training, state.step());
      !phase.empty()) {
    const bool paints = !IsUnpainted(training, state.step());
    summary.push_back(
        {"learns", absl::StrCat(phase, paints ? "" : "; not to paint yet")});
  }
  return summary;
}

}  // namespace

absl::StatusOr<std::string> WriteStrip(
    const RunFolder& folder, AnimationModel& model, const ModelConfig& config,
    const torch::Tensor& source, const torch::Tensor& driving, int64_t epoch) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  StripInput strip;
  strip.source = source;
  strip.driving = driving;
  const PreparedSource prepared = model.PrepareSource(source);
  strip.source_keypoints = prepared.keypoints;
  strip.driving_keypoints = model.DetectKeypoints(driving);
  MoveOptions options;
  options.background = model.PredictBackground(source, driving);
  const Motion motion = model.Move(prepared, strip.driving_keypoints, options);
  const networks::InpaintingOutput painted = model.Paint(prepared, motion);
  strip.prediction = painted.prediction;
  strip.deformed_source = painted.deformed_source;
  strip.source_from_driving = motion.blend.source_from_driving;
  strip.occlusion_maps = motion.blend.occlusion_maps;
  strip.contribution_maps = motion.blend.contribution_maps;
  model.train(was_training);
  StripOptions look;
  look.keypoints_per_transform = config.keypoints_per_transform();
  const std::string path =
      absl::StrFormat("%s/pictures/epoch-%05d.png", folder.path(), epoch);
  RETURN_IF_ERROR(SavePicture(path, DrawStrip(strip, look)));
  return path;
}

absl::Status WriteRunIndex(const RunFolder& folder,
                           const CheckpointState& state,
                           const RunIndex& index) {
  ASSIGN_OR_RETURN(const std::vector<Series> columns,
                   ReadLossLog(folder.losses()));
  RunPage page;
  page.title = fs::path(folder.path()).filename();
  page.subtitle = absl::StrCat(
      "CPAB image animation, trained on ",
      state.config().data().has_puppets() ? "the bundled puppets"
                                          : state.config().data().folder(),
      " at ", state.config().data().width(), "x",
      state.config().data().height(), "; ", index.device, ".");
  page.summary = Summary(state);
  page.plots = Plots(columns, index.layout);
  page.strips = ListStrips(folder);
  if (fs::exists(folder.animation())) {
    page.animations.push_back(
        {"animation.mp4", "source, driving video and animation"});
  }
  if (index.evaluation) {
    AddToPage(*index.evaluation, folder.path(), &page);
  } else {
    page.reload_seconds = 30;
  }
  page.config = ConfigText(state.config());
  page.commands = index.commands;
  return WriteRunPage(folder.path(), page);
}

}  // namespace pipelines
