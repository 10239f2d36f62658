// tools/bazelw run //tools/cost: see kUsage.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"
#include "networks/files/outputs.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/report/html.h"
#include "pipelines/report/plot.h"
#include "third_party/absl/status_macros.h"
#include "tools/cost/measured_run.h"

ABSL_FLAG(std::string, values, "",
          "Amounts of work, rising, separated by commas: 8,32,128.");
ABSL_FLAG(std::string, unit, "work",
          "What they count: frames, pixels, clips, processes, ...");
ABSL_FLAG(std::string, title, "",
          "Above the plots; empty: the program's name.");
ABSL_FLAG(std::string, output, "", "Folder for cost.svg and cost.csv.");
ABSL_FLAG(int, repetitions, 1,
          "Runs of each amount, 1 to 100; the least of each figure counts.");
ABSL_FLAG(bool, overwrite, false, "Replace files that exist.");

namespace tools::cost {
namespace {

using pipelines::Series;
using pipelines::UsageError;

constexpr char kUsage[] =
    R"(Plots how a program's time and memory grow with its work.

  tools/bazelw run //tools/cost -- --values 8,32,128 --unit frames \
      --output cost -- PROGRAM ARGUMENTS

Runs the program, given by its path, once for each value, which stands for {} in
its arguments: bazel-bin/pipelines/animate --overwrite --max_frames {}. Writes a
table, and a picture of two plots that begin at 0: elapsed time and that of the
processor, all cores together; and the memory (resident set) of the largest
process. What the program prints on standard output is dropped.

Exit codes: 0 done, 1 the program failed, 2 bad flag; above 128, try again: 129
disk full or folder read-only, 130 and 143 stopped.)";

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"What is measured", {"values", "unit", "repetitions"}},
          {"What comes out", {"output", "title", "overwrite"}}};
}

struct Request {
  std::vector<std::string> values;  // as they were given
  std::vector<double> amounts;
  std::vector<std::string> command;
  std::string title;
  std::string output;
};

absl::Status ReadValues(const std::string& text, Request* request) {
  for (absl::string_view value : absl::StrSplit(text, ',')) {
    value = absl::StripAsciiWhitespace(value);
    double amount = 0;
    if (!absl::SimpleAtod(value, &amount) || !std::isfinite(amount) ||
        (!request->amounts.empty() && amount <= request->amounts.back())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--values is '", text, "'; give rising numbers, as 8,32,128"));
    }
    request->values.emplace_back(value);
    request->amounts.push_back(amount);
  }
  return absl::OkStatus();
}

absl::StatusOr<Request> ReadRequest(const pipelines::CommandLine& line) {
  Request request;
  RETURN_IF_ERROR(ReadValues(absl::GetFlag(FLAGS_values), &request));
  request.command = line.arguments;
  if (!request.command.empty()) {
    request.command[0] = pipelines::UserPath(request.command[0]);
  }
  if (absl::StrJoin(request.command, " ").find("{}") == std::string::npos) {
    return absl::InvalidArgumentError(
        "after -- give a program and its arguments with {} in one of them; see "
        "--help");
  }
  request.title = absl::GetFlag(FLAGS_title);
  if (request.title.empty()) {
    request.title =
        std::filesystem::path(request.command[0]).filename().string();
  }
  request.output = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  if (request.output.empty()) {
    return absl::InvalidArgumentError(
        "--output is missing; --help tells what it is");
  }
  const int repetitions = absl::GetFlag(FLAGS_repetitions);
  if (repetitions < 1 || repetitions > 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("--repetitions is ", repetitions, "; use 1 to 100"));
  }
  return request;
}

std::vector<std::string> CommandFor(const Request& request,
                                    const std::string& value) {
  std::vector<std::string> command;
  for (const std::string& word : request.command) {
    command.push_back(absl::StrReplaceAll(word, {{"{}", value}}));
  }
  return command;
}

constexpr int kPlotWidth = 360;
constexpr int kPlotHeight = 220;
constexpr int kTitleHeight = 30;

// An <svg> element: a plot in its place within the picture.
std::string PlacedPlot(int left, const std::string& title,
                       const std::vector<Series>& series) {
  pipelines::PlotOptions options;
  options.title = title;
  options.x_label = absl::GetFlag(FLAGS_unit);
  options.from_zero = true;
  options.dots = true;
  options.width = kPlotWidth;
  options.height = kPlotHeight;
  return absl::StrFormat(
      "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">\n%s</svg>\n", left,
      kTitleHeight, kPlotWidth, kPlotHeight,
      pipelines::LinePlotSvg(series, options));
}

// Time on the left, memory on the right. On white, as pages that show it may be
// dark, and a picture of its own does not know.
std::string CostSvg(const std::string& title, const std::vector<Series>& times,
                    const std::vector<Series>& memory) {
  const int width = 2 * kPlotWidth;
  const int height = kTitleHeight + kPlotHeight;
  return absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
      "viewBox=\"0 0 %d %d\" color=\"#222\" fill=\"#222\">\n"
      "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
      "<text x=\"%d\" y=\"24\" text-anchor=\"middle\" font-size=\"16\" "
      "font-family=\"system-ui, sans-serif\">%s</text>\n%s%s</svg>\n",
      width, height, width, height, width, height, width / 2,
      pipelines::EscapeHtml(title), PlacedPlot(0, "Time in seconds", times),
      PlacedPlot(kPlotWidth, "Memory in MB", memory));
}

// A field of a table: in quotes where it would be read as several.
std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string SvgPath(const Request& request) {
  return absl::StrCat(request.output, "/cost.svg");
}

std::string CsvPath(const Request& request) {
  return absl::StrCat(request.output, "/cost.csv");
}

absl::Status WriteFiles(const Request& request,
                        const std::vector<RunCost>& costs) {
  Series elapsed{"elapsed", request.amounts, {}};
  Series processor{"processor, all cores", request.amounts, {}};
  Series memory{"largest process", request.amounts, {}};
  std::string table = absl::StrCat(CsvField(absl::GetFlag(FLAGS_unit)),
                                   ",seconds,processor_seconds,peak_mb\n");
  for (size_t i = 0; i < costs.size(); ++i) {
    elapsed.y.push_back(costs[i].seconds);
    processor.y.push_back(costs[i].processor_seconds);
    memory.y.push_back(costs[i].peak_mb);
    absl::StrAppendFormat(&table, "%s,%.3f,%.3f,%.1f\n", request.values[i],
                          costs[i].seconds, costs[i].processor_seconds,
                          costs[i].peak_mb);
  }
  RETURN_IF_ERROR(networks::files::WriteAtomically(
      SvgPath(request),
      CostSvg(request.title, {elapsed, processor}, {memory})));
  return networks::files::WriteAtomically(CsvPath(request), table);
}

absl::Status Measure(const Request& request) {
  std::vector<RunCost> costs;
  for (const std::string& value : request.values) {
    ASSIGN_OR_RETURN(const RunCost cost,
                     MeasureRuns(CommandFor(request, value),
                                 absl::GetFlag(FLAGS_repetitions)));
    std::printf("%s %s: %.2f s, %.2f s of the processor, %.0f MB\n",
                value.c_str(), absl::GetFlag(FLAGS_unit).c_str(), cost.seconds,
                cost.processor_seconds, cost.peak_mb);
    std::fflush(stdout);
    costs.push_back(cost);
  }
  return WriteFiles(request, costs);
}

absl::Status Run(const pipelines::CommandLine& line) {
  ASSIGN_OR_RETURN(const Request request, UsageError(ReadRequest(line)));
  networks::files::PlannedOutputs planned;
  planned.files = {SvgPath(request), CsvPath(request)};
  planned.makes_folders = true;
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));
  RETURN_IF_ERROR(networks::files::MakeParentFolders(planned));
  return Measure(request);
}

}  // namespace
}  // namespace tools::cost

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"cost", tools::cost::kUsage, __FILE__, tools::cost::FlagGroups()}, argc,
      argv, tools::cost::Run);
}
