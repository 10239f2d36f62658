#include "pipelines/evaluation/checkpoint_comparison.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/evaluation/reconstruction.pb.h"

namespace pipelines {
namespace {

constexpr int kSettingColumns = 3;

std::string SizeText(const Evaluation& evaluation) {
  return absl::StrCat(evaluation.setting.width(), "x",
                      evaluation.setting.height());
}

std::string ClipsText(const Evaluation& evaluation) {
  return absl::StrCat(evaluation.setting.clip_names_sha256(),
                      evaluation.setting.clip_sizes_sha256());
}

// By the clips that there were: a max_clips beyond them leaves none out.
std::string FramesText(const Evaluation& evaluation) {
  return absl::StrCat(evaluation.setting.frame_step(), " ",
                      evaluation.result.clips.size());
}

std::string LpipsText(const Evaluation& evaluation) {
  return evaluation.setting.lpips();
}

// The names of the scores of all, in the order of their tables. The first
// column of these counts frames.
std::vector<std::string> ScoreColumns(
    const std::vector<NamedEvaluation>& evaluations) {
  std::vector<std::string> names;
  for (const NamedEvaluation& named : evaluations) {
    const ScoreTable table = EvaluationTable(named.evaluation.result);
    for (size_t i = 1; i < table.columns.size(); ++i) {
      if (std::find(names.begin(), names.end(), table.columns[i]) ==
          names.end()) {
        names.push_back(table.columns[i]);
      }
    }
  }
  return names;
}

// The cells of `row` of the summary of `result`, by `columns`.
std::vector<std::string> MeanCells(const EvaluationResult& result, size_t row,
                                   const std::vector<std::string>& columns) {
  const ScoreTable table = EvaluationTable(result);
  std::vector<std::string> cells;
  for (const std::string& column : columns) {
    const auto place =
        std::find(table.columns.begin(), table.columns.end(), column);
    cells.push_back(
        place == table.columns.end()
            ? ""
            : table.summary[row].cells[place - table.columns.begin()]);
  }
  return cells;
}

std::vector<std::string> Joined(std::vector<std::string> head,
                                const std::vector<std::string>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

// The different values of `text` over all evaluations.
template <typename Text>
std::set<std::string> ValuesOf(const std::vector<NamedEvaluation>& evaluations,
                               const Text& text) {
  std::set<std::string> values;
  for (const NamedEvaluation& named : evaluations) {
    values.insert(text(named.evaluation));
  }
  return values;
}

}  // namespace

ScoreTable ComparisonTable(const std::vector<NamedEvaluation>& evaluations) {
  const std::vector<std::string> scores = ScoreColumns(evaluations);
  ScoreTable table;
  table.name_column = "checkpoint";
  table.columns = Joined({"steps", "motion", "size"}, scores);
  std::set<std::string> baselines;
  for (const NamedEvaluation& named : evaluations) {
    const EvaluationSetting& setting = named.evaluation.setting;
    const EvaluationResult& result = named.evaluation.result;
    const std::string steps = setting.has_training_steps()
                                  ? absl::StrCat(setting.training_steps())
                                  : "";
    table.rows.push_back(
        {named.name,
         Joined({steps, setting.motion(), SizeText(named.evaluation)},
                MeanCells(result, /*row=*/0, scores))});
    if (!baselines
             .insert(absl::StrCat(
                 SizeText(named.evaluation), ClipsText(named.evaluation),
                 FramesText(named.evaluation), LpipsText(named.evaluation)))
             .second) {
      continue;
    }
    std::vector<std::string> head(kSettingColumns);
    head.back() = SizeText(named.evaluation);
    table.summary.push_back(
        {"first frame, unmoved",
         Joined(std::move(head), MeanCells(result, /*row=*/1, scores))});
  }
  return table;
}

std::vector<ComparisonWarning> ComparisonWarnings(
    const std::vector<NamedEvaluation>& evaluations) {
  std::vector<ComparisonWarning> warnings;
  const std::set<std::string> sizes = ValuesOf(evaluations, SizeText);
  if (sizes.size() > 1) {
    warnings.push_back(
        {EvaluationDifference::kSizes,
         absl::StrCat("the checkpoints see frames of different sizes (",
                      absl::StrJoin(sizes, ", "),
                      "), of which scores cannot be compared: a small frame "
                      "has less detail to miss")});
  }
  if (ValuesOf(evaluations, ClipsText).size() > 1) {
    warnings.push_back(
        {EvaluationDifference::kClips,
         "the checkpoints are measured on different test clips, so that their "
         "scores cannot be compared"});
  }
  if (ValuesOf(evaluations, FramesText).size() > 1) {
    warnings.push_back(
        {EvaluationDifference::kFrames,
         "the checkpoints are measured on different frames of the test clips: "
         "evaluation.frame_step or evaluation.max_clips differ"});
  }
  std::set<std::string> networks = ValuesOf(evaluations, LpipsText);
  networks.erase("");  // not measured
  if (networks.size() > 1) {
    warnings.push_back(
        {EvaluationDifference::kLpips,
         "LPIPS is by different networks, whose values cannot be compared: "
         "evaluation.lpips.network differs"});
  }
  return warnings;
}

std::string ComparisonJson(const std::vector<NamedEvaluation>& evaluations) {
  ComparisonProto proto;
  for (const NamedEvaluation& named : evaluations) {
    *proto.add_evaluations() =
        ToProto(named.evaluation.result, named.evaluation.setting);
  }
  return ToJson(proto);
}

}  // namespace pipelines
