#include "pipelines/study/report.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "pipelines/report/document.h"
#include "pipelines/report/html.h"
#include "pipelines/report/plot.h"
#include "pipelines/study/pictures.h"
#include "pipelines/training/diagnostics.h"
#include "pipelines/training/step_report.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// In the study's folder; how the file begins.
constexpr char kRuns[] = "/runs.csv";
constexpr char kRunsHead[] = "variant,seed,steps,minutes";

// While runs are under way.
constexpr int kReloadSeconds = 60;

std::string Cell(absl::string_view text, bool bold = false) {
  return absl::StrCat("<td>", bold ? "<b>" : "", EscapeHtml(text),
                      bold ? "</b>" : "", "</td>");
}

std::string TableHtml(const StudyTable& table) {
  std::string html =
      "<h2>Mean and standard deviation over seeds</h2>\n"
      "<div class=\"card wide\"><table>\n<tr><th>variant</th><th>runs</th>"
      "<th>steps</th><th>minutes</th>";
  for (const std::string& metric : table.metrics) {
    absl::StrAppend(&html, "<th>", EscapeHtml(metric),
                    LargerIsBetter(metric) ? " &uarr;" : " &darr;", "</th>");
  }
  html += "</tr>\n";
  for (const VariantSummary& summary : table.variants) {
    absl::StrAppend(&html, "<tr>", Cell(summary.variant),
                    Cell(absl::StrCat(summary.finished)),
                    Cell(FormatCount(summary.steps)),
                    Cell(FormatMinutes(summary.minutes)));
    for (const std::string& metric : table.metrics) {
      const auto value = summary.metrics.find(metric);
      absl::StrAppend(
          &html, value == summary.metrics.end()
                     ? Cell("")
                     : Cell(FormatMean(value->second),
                            BestVariant(table, metric) == summary.variant));
    }
    html += "</tr>\n";
  }
  absl::StrAppend(&html, "<tr>", Cell("first frame shown all the time"),
                  Cell(""), Cell(""), Cell(""));
  for (const std::string& metric : table.metrics) {
    const auto value = table.baseline.find(metric);
    absl::StrAppend(&html, Cell(value == table.baseline.end()
                                    ? ""
                                    : FormatMean({1, value->second, 0})));
  }
  absl::StrAppend(&html, "</tr>\n</table></div>\n");
  for (const std::string& note : TableNotes(table)) {
    absl::StrAppend(&html, "<p>", EscapeHtml(note), ".</p>\n");
  }
  return html;
}

// Between the points of `curve` a line, before the first its value. `x` is not
// beyond the last.
double ValueAt(const Series& curve, double x) {
  const size_t i =
      std::lower_bound(curve.x.begin(), curve.x.end(), x) - curve.x.begin();
  if (i == 0) return curve.y[0];
  const double share = (x - curve.x[i - 1]) / (curve.x[i] - curve.x[i - 1]);
  return curve.y[i - 1] + share * (curve.y[i] - curve.y[i - 1]);
}

// `series`, which is over steps of the run, over minutes of training. Steps of
// motion alone are quicker than others, so the run's clock says when each step
// was taken; without one, as if all took equal time.
Series OverMinutes(const RunResult& result, const Series& series) {
  const Series& clock = result.clock;
  const bool is_timed = !clock.x.empty() && clock.x.back() >= series.x.back();
  Series over_minutes = series;
  for (double& x : over_minutes.x) {
    x = is_timed ? ValueAt(clock, x) : x * result.minutes / result.steps;
  }
  return over_minutes;
}

// `column` of each run of the variant, over minutes of training.
std::vector<Series> CurvesOf(const std::string& variant,
                             const std::string& column,
                             const std::vector<RunResult>& results) {
  std::vector<Series> curves;
  for (const RunResult& result : results) {
    if (result.variant != variant || result.steps == 0) continue;
    for (const Series& series : result.losses) {
      if (series.name != column || series.x.empty()) continue;
      curves.push_back(OverMinutes(result, series));
    }
  }
  return curves;
}

// The mean over seeds, at the first run's points, as far as all runs go: in
// equal time they may have made different numbers of steps.
Series MeanCurve(const std::string& variant,
                 const std::vector<Series>& curves) {
  Series mean;
  mean.name = variant;
  if (curves.empty()) return mean;
  double end = curves[0].x.back();
  for (const Series& curve : curves) end = std::min(end, curve.x.back());
  for (const double x : curves[0].x) {
    if (x > end) break;
    double sum = 0;
    for (const Series& curve : curves) sum += ValueAt(curve, x);
    mean.x.push_back(x);
    mean.y.push_back(sum / static_cast<double>(curves.size()));
  }
  return mean;
}

std::string PlotsHtml(const StudyPlan& plan,
                      const std::vector<RunResult>& results) {
  struct Curve {
    std::string column;
    std::string title;
    bool log_y;
  };
  std::vector<Curve> curves = {
      {kTotalLoss, "Loss (weighted sum of all terms)", true},
      {"perceptual", "Perceptual loss (weighted)", true}};
  for (const Diagnostic& diagnostic : Diagnostics()) {
    if (diagnostic.plot_title == nullptr) continue;
    curves.push_back(
        {diagnostic.name, diagnostic.plot_title, diagnostic.log_y});
  }
  std::string html = "<h2>Curves, means over seeds</h2>\n<div class=\"plots\">";
  for (const Curve& curve : curves) {
    PlotOptions options;
    options.title = curve.title;
    options.x_label = "minutes of training";
    options.log_y = curve.log_y;
    options.smoothing = 0.05;
    std::vector<Series> series;
    for (const std::string& variant : plan.variants) {
      series.push_back(
          MeanCurve(variant, CurvesOf(variant, curve.column, results)));
    }
    absl::StrAppend(&html, "<div class=\"card\">", LinePlotSvg(series, options),
                    "</div>\n");
  }
  return absl::StrCat(html, "</div>\n");
}

std::string PictureHtml(const std::string& output, absl::string_view file,
                        absl::string_view caption) {
  if (!std::filesystem::exists(absl::StrCat(output, "/", file))) return "";
  return absl::StrCat(
      "<figure class=\"card\"><figcaption>", EscapeHtml(caption),
      "</figcaption><div class=\"wide\"><a href=\"", file, "\"><img src=\"",
      file, "\" alt=\"", EscapeHtml(caption), "\"></a></div></figure>\n");
}

std::string RunsHtml(const StudyPlan& plan,
                     const std::vector<RunResult>& results) {
  std::string html = "<h2>Runs</h2>\n<div class=\"card wide\"><table>\n";
  for (const StudyRun& run : plan.runs) {
    const bool finished =
        std::any_of(results.begin(), results.end(), [&](const RunResult& r) {
          return r.variant == run.variant && r.seed == run.seed;
        });
    const std::string name = std::filesystem::path(run.folder).filename();
    absl::StrAppend(&html, "<tr><td><a href=\"", UrlOfPath(name),
                    "/index.html\">", EscapeHtml(name), "</a></td>",
                    Cell(finished ? "finished" : "not finished"), "</tr>\n");
  }
  absl::StrAppend(&html, "</table></div>\n<h2>Variants</h2>\n");
  for (const Variant& variant : plan.study.variants()) {
    absl::StrAppend(&html, "<div class=\"card\">", EscapeHtml(variant.name()),
                    "<pre class=\"command\">",
                    EscapeHtml(absl::StrJoin(variant.set(), "\n")),
                    "</pre></div>\n");
  }
  return html;
}

}  // namespace

std::string StudyPageHtml(const StudyPlan& plan, const StudyTable& table,
                          const std::vector<RunResult>& results) {
  const std::string budget =
      plan.study.steps() > 0
          ? absl::StrCat(plan.study.steps(), " steps")
          : absl::StrFormat("%g minutes of training", plan.study.minutes());
  const std::string subtitle = absl::StrCat(
      plan.study.question(), plan.study.question().empty() ? "" : " ",
      "Config ", plan.study.config(), ", ", budget, " a run, ", table.finished,
      " of ", table.runs, " runs.");
  return HtmlDocument(
      plan.name, subtitle,
      absl::StrCat(
          TableHtml(table), "<h2>The same test pairs</h2>\n",
          PictureHtml(plan.output, "predictions.png",
                      "A test clip's first frame, animated by the frame that "
                      "differs most from it"),
          PictureHtml(plan.output, "motion.png",
                      "The motion of each, in one scale: hue is direction, "
                      "saturation length"),
          PlotsHtml(plan, results), RunsHtml(plan, results)),
      table.finished < table.runs ? kReloadSeconds : 0);
}

absl::Status CheckStudyFolder(const StudyPlan& plan) {
  networks::files::ReadOptions options;
  options.first_bytes = sizeof(kRunsHead) - 1;
  const absl::StatusOr<std::string> head =
      networks::files::ReadFile(plan.output + kRuns, options);
  if (head.ok() && *head == kRunsHead) return absl::OkStatus();
  std::vector<std::string> files;
  for (const char* name : {kRuns, "/table.txt", "/table.csv", "/index.html",
                           "/predictions.png", "/motion.png"}) {
    files.push_back(plan.output + name);
  }
  for (const StudyRun& run : plan.runs) {
    files.push_back(run.folder + ".textproto");
  }
  for (const std::string& file : files) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
      return absl::AlreadyExistsError(
          absl::StrCat(file, " exists, and ", plan.output,
                       " holds no study; choose another folder"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteStudyReport(const StudyPlan& plan) {
  using networks::files::WriteAtomically;
  const std::vector<RunResult> results = ReadResults(plan);
  const StudyTable table = MakeTable(plan, results);
  RETURN_IF_ERROR(WriteStudyPictures(plan));
  // The first file, since CheckStudyFolder knows a study by it.
  RETURN_IF_ERROR(WriteAtomically(plan.output + kRuns, RunsCsv(results)));
  RETURN_IF_ERROR(
      WriteAtomically(plan.output + "/table.txt", TableText(table)));
  RETURN_IF_ERROR(WriteAtomically(plan.output + "/table.csv", TableCsv(table)));
  return WriteAtomically(plan.output + "/index.html",
                         StudyPageHtml(plan, table, results));
}

}  // namespace pipelines
