// The page and tables of a study.
#ifndef PIPELINES_STUDY_REPORT_H_
#define PIPELINES_STUDY_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "pipelines/study/results.h"
#include "pipelines/study/study.h"

namespace pipelines {

// Writes index.html, table.txt, table.csv, runs.csv and the pictures from what
// the run folders hold now, whole or not at all each.
absl::Status WriteStudyReport(const StudyPlan& plan);

// AlreadyExists, naming the file, if a study in plan.output would replace files
// that are not of a study.
absl::Status CheckStudyFolder(const StudyPlan& plan);

// index.html as text.
std::string StudyPageHtml(const StudyPlan& plan, const StudyTable& table,
                          const std::vector<RunResult>& results);

}  // namespace pipelines

#endif  // PIPELINES_STUDY_REPORT_H_
