// What the variants of a study make of the same test pairs, side by side.
// Tested by runner_test.cc.
#ifndef PIPELINES_STUDY_PICTURES_H_
#define PIPELINES_STUDY_PICTURES_H_

#include "absl/status/status.h"
#include "pipelines/study/study.h"

namespace pipelines {

// Writes <output>/predictions.png and motion.png: source, driving frame and a
// column for each variant, by its first finished run. Models are loaded one
// after another. Removes both where no run is finished. The errors of reading
// the data or a checkpoint.
absl::Status WriteStudyPictures(const StudyPlan& plan);

}  // namespace pipelines

#endif  // PIPELINES_STUDY_PICTURES_H_
