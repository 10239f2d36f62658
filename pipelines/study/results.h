// The numbers of a study: read from its run folders, summed up in a table.
#ifndef PIPELINES_STUDY_RESULTS_H_
#define PIPELINES_STUDY_RESULTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipelines/report/plot.h"
#include "pipelines/study/study.h"

namespace pipelines {

// What one finished run came to.
struct RunResult {
  std::string variant;
  uint64_t seed = 0;
  int64_t steps = 0;
  double minutes = 0;  // of training
  // Every number of evaluation.json that is a mean over all test clips, by
  // name: "l1", "psnr", ...; and "l1_moving_half", over the frames of the half
  // of the clips that move most. Those of the baseline, the first frame shown
  // all the time, are apart.
  std::map<std::string, double> metrics;
  std::map<std::string, double> baseline;
  std::vector<Series> losses;  // the columns of losses.csv over steps
  // Minutes of training after each step; empty without timing.csv, or where it
  // does not begin with the first step.
  Series clock;
};

// Results of the runs of a plan that are finished, in its order.
std::vector<RunResult> ReadResults(const StudyPlan& plan);

struct MeanAndSpread {
  int count = 0;
  double mean = 0;
  double spread = 0;  // sample standard deviation; 0 for one value
};
MeanAndSpread Summarize(const std::vector<double>& values);

// A variant's line of the table.
struct VariantSummary {
  std::string variant;
  int finished = 0;  // runs
  MeanAndSpread steps;
  MeanAndSpread minutes;
  std::map<std::string, MeanAndSpread> metrics;
};

struct StudyTable {
  // Names of all metrics, those that the field reports first.
  std::vector<std::string> metrics;
  std::vector<VariantSummary> variants;  // in the order of the plan
  std::map<std::string, double> baseline;
  int runs = 0;  // that the study asks for
  int finished = 0;
};
StudyTable MakeTable(const StudyPlan& plan,
                     const std::vector<RunResult>& results);

// Whether a larger value of `metric` is better; otherwise a smaller one is.
bool LargerIsBetter(const std::string& metric);

// Whether `value` of `metric` is better than what the first frame shown all the
// time has; also where that is not known.
bool BeatsFirstFrame(const StudyTable& table, const std::string& metric,
                     double value);

// The variant with the best mean, or "" where none has a finite one, or none
// that beats the first frame.
std::string BestVariant(const StudyTable& table, const std::string& metric);

// In which units metrics are, and, for each variant that is worse than the
// first frame in some, a sentence that says so.
std::vector<std::string> TableNotes(const StudyTable& table);

// "0.0237 +- 0.0004" with the digits that the spread leaves meaning to.
std::string FormatMean(const MeanAndSpread& value);

// Of whole numbers, as steps: "1969 +- 13".
std::string FormatCount(const MeanAndSpread& value);
// Of minutes, with two digits or all before the point: "4.5 +- 0.1".
std::string FormatMinutes(const MeanAndSpread& value);

// For terminals; one line a variant.
std::string TableText(const StudyTable& table);
// The same for programs: "<metric>_mean", "<metric>_spread".
std::string TableCsv(const StudyTable& table);
// One line a run.
std::string RunsCsv(const std::vector<RunResult>& results);

}  // namespace pipelines

#endif  // PIPELINES_STUDY_RESULTS_H_
