#include "pipelines/study/results.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/json_util.h"
#include "networks/files/read_file.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/evaluation/reconstruction.pb.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/study/runner.h"

namespace pipelines {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Every number that is set in `message` and in the messages inside it, by the
// names of the fields; lists are left out.
void CollectNumbers(const Message& message,
                    std::map<std::string, double>* numbers) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated()) continue;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_DOUBLE:
        (*numbers)[field->name()] = reflection->GetDouble(message, field);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        CollectNumbers(reflection->GetMessage(message, field), numbers);
        break;
      default:
        break;
    }
  }
}

using Clips = std::vector<const ClipResultProto*>;

// The half of the clips that move most: those whose first frame says least
// about the others. There motion models differ. By name where clips tie, since
// evaluation.json has the model's worst first, which each run has in another
// order.
Clips MovingHalf(const EvaluationProto& proto) {
  Clips clips;
  for (const ClipResultProto& clip : proto.clips()) clips.push_back(&clip);
  std::stable_sort(clips.begin(), clips.end(),
                   [](const ClipResultProto* a, const ClipResultProto* b) {
                     const double l1_a = a->first_frame().l1();
                     const double l1_b = b->first_frame().l1();
                     return l1_a != l1_b ? l1_a > l1_b : a->name() < b->name();
                   });
  clips.resize((clips.size() + 1) / 2);
  return clips;
}

// The mean over the clips' frames of what `l1` says of a clip.
template <typename L1>
double MeanOverFrames(const Clips& clips, const L1& l1) {
  double sum = 0;
  int64_t frames = 0;
  for (const ClipResultProto* clip : clips) {
    sum += l1(*clip) * clip->frames();
    frames += clip->frames();
  }
  return sum / static_cast<double>(frames);
}

void AddMovingHalf(const EvaluationProto& proto, RunResult* result) {
  constexpr char kName[] = "l1_moving_half";
  const Clips half = MovingHalf(proto);
  if (half.empty()) return;
  result->metrics[kName] = MeanOverFrames(
      half, [](const ClipResultProto& clip) { return clip.model().l1(); });
  result->baseline[kName] = MeanOverFrames(
      half,
      [](const ClipResultProto& clip) { return clip.first_frame().l1(); });
}

bool ReadEvaluation(const std::string& path, RunResult* result) {
  const absl::StatusOr<std::string> text = networks::files::ReadFile(path);
  if (!text.ok()) return false;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  EvaluationProto proto;
  if (!google::protobuf::util::JsonStringToMessage(*text, &proto, options)
           .ok()) {
    return false;
  }
  CollectNumbers(proto.first_frame(), &result->baseline);
  proto.clear_first_frame();
  CollectNumbers(proto, &result->metrics);
  AddMovingHalf(proto, result);
  return true;
}

// What `timing`, a run's timing.csv, sums up to.
Series ReadClock(const std::string& timing) {
  const absl::StatusOr<std::vector<Series>> columns = ReadLossLog(timing);
  if (!columns.ok()) return {};
  for (const Series& column : *columns) {
    if (column.name != "seconds" || column.x.empty()) continue;
    // An earlier program's table of the steps before was set aside.
    if (column.x[0] != 1) return {};
    Series clock = column;
    double seconds = 0;
    for (double& y : clock.y) {
      seconds += y;
      y = seconds / 60;
    }
    return clock;
  }
  return {};
}

// In the order in which the field reports them; others follow by name.
constexpr const char* kKnownMetrics[] = {"l1", "l1_moving_half", "psnr", "ssim",
                                         "lpips"};

std::vector<std::string> MetricNames(const std::vector<RunResult>& results) {
  std::set<std::string> found;
  for (const RunResult& result : results) {
    for (const auto& [name, value] : result.metrics) found.insert(name);
  }
  std::vector<std::string> names;
  for (const char* known : kKnownMetrics) {
    if (found.erase(known) > 0) names.push_back(known);
  }
  names.insert(names.end(), found.begin(), found.end());
  return names;
}

VariantSummary SummarizeVariant(const std::string& variant,
                                const std::vector<RunResult>& results) {
  std::vector<double> steps, minutes;
  std::map<std::string, std::vector<double>> metrics;
  for (const RunResult& result : results) {
    if (result.variant != variant) continue;
    steps.push_back(result.steps);
    minutes.push_back(result.minutes);
    for (const auto& [name, value] : result.metrics) {
      metrics[name].push_back(value);
    }
  }
  VariantSummary summary;
  summary.variant = variant;
  summary.finished = static_cast<int>(steps.size());
  summary.steps = Summarize(steps);
  summary.minutes = Summarize(minutes);
  for (const auto& [name, values] : metrics) {
    summary.metrics[name] = Summarize(values);
  }
  return summary;
}

// Of the metrics that a variant has; an empty cell otherwise.
std::string MetricCell(const VariantSummary& summary,
                       const std::string& metric) {
  const auto value = summary.metrics.find(metric);
  return value == summary.metrics.end() ? "" : FormatMean(value->second);
}

std::string WithDigits(const MeanAndSpread& value, int digits) {
  if (value.count == 0) return "";
  std::string text = absl::StrFormat("%.*f", digits, value.mean);
  if (value.count > 1) {
    absl::StrAppendFormat(&text, " +- %.*f", digits, value.spread);
  }
  return text;
}

// The power of ten of a number; 0 of what has none.
int MagnitudeOf(double value) {
  return value == 0 || !std::isfinite(value)
             ? 0
             : static_cast<int>(std::floor(std::log10(std::abs(value))));
}

std::string CsvNumber(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.9g", value) : "";
}

}  // namespace

std::vector<RunResult> ReadResults(const StudyPlan& plan) {
  std::vector<RunResult> results;
  for (const StudyRun& run : plan.runs) {
    if (!IsFinished(run)) continue;
    const auto state =
        ReadCheckpointState(ListCheckpoints(run.folder + "/checkpoints")[0]);
    RunResult result;
    result.variant = run.variant;
    result.seed = run.seed;
    result.steps = state->step();
    result.minutes = state->trained_seconds() / 60;
    if (!ReadEvaluation(run.folder + "/evaluation.json", &result)) continue;
    auto losses = ReadLossLog(run.folder + "/losses.csv");
    if (losses.ok()) result.losses = *std::move(losses);
    result.clock = ReadClock(run.folder + "/timing.csv");
    results.push_back(std::move(result));
  }
  return results;
}

MeanAndSpread Summarize(const std::vector<double>& values) {
  MeanAndSpread result;
  result.count = static_cast<int>(values.size());
  if (values.empty()) return result;
  // Divided once, so that the mean of equal whole numbers is that number.
  for (const double value : values) result.mean += value;
  result.mean /= result.count;
  double squares = 0;
  for (const double value : values) {
    squares += (value - result.mean) * (value - result.mean);
  }
  if (values.size() > 1) {
    result.spread = std::sqrt(squares / (result.count - 1));
  }
  return result;
}

StudyTable MakeTable(const StudyPlan& plan,
                     const std::vector<RunResult>& results) {
  StudyTable table;
  table.metrics = MetricNames(results);
  for (const std::string& variant : plan.variants) {
    table.variants.push_back(SummarizeVariant(variant, results));
  }
  if (!results.empty()) table.baseline = results[0].baseline;
  table.runs = static_cast<int>(plan.runs.size());
  table.finished = static_cast<int>(results.size());
  return table;
}

bool LargerIsBetter(const std::string& metric) {
  return metric == "psnr" || metric == "ssim" ||
         absl::StartsWith(metric, "pck");
}

bool BeatsFirstFrame(const StudyTable& table, const std::string& metric,
                     double value) {
  const auto baseline = table.baseline.find(metric);
  if (baseline == table.baseline.end()) return true;
  const double sign = LargerIsBetter(metric) ? -1 : 1;
  return sign * value < sign * baseline->second;
}

std::vector<std::string> TableNotes(const StudyTable& table) {
  std::vector<std::string> notes = {
      "L1 is of values in [0, 1], PSNR in dB; joint and flow errors are "
      "distances in units in which a frame is 2 wide"};
  const auto l1 = table.baseline.find("l1");
  if (l1 != table.baseline.end() && l1->second == 0) {
    notes.push_back(
        "nothing moves in the test frames, each of which equals its clip's "
        "first one or is it: their scores do not compare variants");
    return notes;
  }
  for (const VariantSummary& summary : table.variants) {
    std::vector<std::string> worse;
    for (const auto& [metric, value] : summary.metrics) {
      if (!BeatsFirstFrame(table, metric, value.mean)) worse.push_back(metric);
    }
    if (worse.empty()) continue;
    notes.push_back(absl::StrCat(summary.variant,
                                 " is no better than the first frame, "
                                 "unmoved: ",
                                 absl::StrJoin(worse, ", ")));
  }
  return notes;
}

std::string BestVariant(const StudyTable& table, const std::string& metric) {
  const double sign = LargerIsBetter(metric) ? -1 : 1;
  double best = INFINITY;
  std::string name;
  for (const VariantSummary& summary : table.variants) {
    const auto value = summary.metrics.find(metric);
    if (value == summary.metrics.end()) continue;
    if (!BeatsFirstFrame(table, metric, value->second.mean)) continue;
    if (sign * value->second.mean < best) {
      best = sign * value->second.mean;
      name = summary.variant;
    }
  }
  return name;
}

std::string FormatMean(const MeanAndSpread& value) {
  // Two digits of the spread; four of a value that has none.
  const double scale = value.spread > 0 ? value.spread : value.mean / 100;
  return WithDigits(value, std::clamp(1 - MagnitudeOf(scale), 0, 9));
}

std::string FormatCount(const MeanAndSpread& value) {
  return WithDigits(value, 0);
}

std::string FormatMinutes(const MeanAndSpread& value) {
  return WithDigits(value, std::clamp(1 - MagnitudeOf(value.mean), 0, 9));
}

std::string TableText(const StudyTable& table) {
  std::vector<std::vector<std::string>> lines = {
      {"variant", "runs", "steps", "minutes"}};
  for (const std::string& metric : table.metrics) lines[0].push_back(metric);
  for (const VariantSummary& summary : table.variants) {
    lines.push_back({summary.variant, absl::StrCat(summary.finished),
                     FormatCount(summary.steps),
                     FormatMinutes(summary.minutes)});
    for (const std::string& metric : table.metrics) {
      const bool best = table.variants.size() > 1 &&
                        BestVariant(table, metric) == summary.variant;
      lines.back().push_back(
          absl::StrCat(MetricCell(summary, metric), best ? " *" : ""));
    }
  }
  lines.push_back({"first frame", "", "", ""});
  for (const std::string& metric : table.metrics) {
    const auto value = table.baseline.find(metric);
    lines.back().push_back(
        value == table.baseline.end() ? "" : FormatMean({1, value->second, 0}));
  }
  std::vector<size_t> widths(lines[0].size());
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string text;
  for (const auto& line : lines) {
    std::string row = absl::StrFormat("%-*s", widths[0], line[0]);
    for (size_t i = 1; i < line.size(); ++i) {
      absl::StrAppendFormat(&row, "  %*s", widths[i], line[i]);
    }
    absl::StripTrailingAsciiWhitespace(&row);
    absl::StrAppend(&text, row, "\n");
  }
  absl::StrAppend(&text, table.finished, " of ", table.runs,
                  " runs; mean +- standard deviation over seeds; * best\n");
  for (const std::string& note : TableNotes(table)) {
    absl::StrAppend(&text, note, "\n");
  }
  return text;
}

std::string TableCsv(const StudyTable& table) {
  std::string text = "variant,runs,steps_mean,minutes_mean";
  for (const std::string& metric : table.metrics) {
    absl::StrAppend(&text, ",", metric, "_mean,", metric, "_spread");
  }
  text += "\n";
  for (const VariantSummary& summary : table.variants) {
    absl::StrAppend(&text, summary.variant, ",", summary.finished, ",",
                    CsvNumber(summary.steps.mean), ",",
                    CsvNumber(summary.minutes.mean));
    for (const std::string& metric : table.metrics) {
      const auto value = summary.metrics.find(metric);
      if (value == summary.metrics.end()) {
        text += ",,";
      } else {
        absl::StrAppend(&text, ",", CsvNumber(value->second.mean), ",",
                        CsvNumber(value->second.spread));
      }
    }
    text += "\n";
  }
  return text;
}

std::string RunsCsv(const std::vector<RunResult>& results) {
  const std::vector<std::string> metrics = MetricNames(results);
  std::string text = "variant,seed,steps,minutes";
  for (const std::string& metric : metrics) absl::StrAppend(&text, ",", metric);
  text += "\n";
  for (const RunResult& result : results) {
    absl::StrAppend(&text, result.variant, ",", result.seed, ",", result.steps,
                    ",", CsvNumber(result.minutes));
    for (const std::string& metric : metrics) {
      const auto value = result.metrics.find(metric);
      absl::StrAppend(
          &text, ",",
          value == result.metrics.end() ? "" : CsvNumber(value->second));
    }
    text += "\n";
  }
  return text;
}

}  // namespace pipelines
