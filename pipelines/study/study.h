// Studies: from a file to the runs that it asks for.
#ifndef PIPELINES_STUDY_STUDY_H_
#define PIPELINES_STUDY_STUDY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/study/study.pb.h"

namespace pipelines {

// One training of one variant.
struct StudyRun {
  std::string variant;
  uint64_t seed = 0;
  std::string folder;  // its run folder: <output>/<variant>-seed<seed>
  Config config;       // effective, with seed and budget
};

// Where a study writes.
//
//   index.html, table.txt, table.csv, runs.csv
//   predictions.png, motion.png      variants side by side
//   <variant>-seed<seed>/            run folders, see run_folder.h
//   <variant>-seed<seed>.textproto   their configs
struct StudyPlan {
  std::string name;  // of the file, without ending
  Study study;
  std::string output;
  std::vector<std::string> variants;
  // Seed by seed, so that a study that is stopped half-way has compared all
  // variants.
  std::vector<StudyRun> runs;
};

// What takes the place of a file's seeds and budget, where it is set.
struct StudyBudget {
  std::vector<uint64_t> seeds;
  int64_t steps = 0;
  double minutes = 0;
};

// Reads a study and completes the config of each run. NotFound if there is no
// such file, or no such config; InvalidArgument naming file, variant and field
// for what is wrong in it, also where variants differ in the frames that are
// scored or in how, or where an override sets a seed or a budget. `overrides`
// come after the study's own, for every variant.
absl::StatusOr<StudyPlan> LoadStudy(const std::string& path,
                                    const std::string& output,
                                    const std::vector<std::string>& overrides,
                                    const StudyBudget& budget = {});

// InvalidArgument, naming it and `deciders`, which decide on its fields in the
// end, for the first override of which `is_decided` says so (of a config that
// has its fields alone): it would have no effect.
absl::Status RefuseDecided(const std::vector<std::string>& overrides,
                           bool (*is_decided)(const Config&),
                           absl::string_view deciders);

}  // namespace pipelines

#endif  // PIPELINES_STUDY_STUDY_H_
