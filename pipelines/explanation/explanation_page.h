// The page that explains how a frame was made: index.html and a picture for
// each stage, in one folder.
//
// The names of the files do not depend on the model, so that other pages can
// show the pictures and the same command makes them again.
#ifndef PIPELINES_EXPLANATION_EXPLANATION_PAGE_H_
#define PIPELINES_EXPLANATION_EXPLANATION_PAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/explanation/stages.h"

namespace pipelines {

// The files of WriteExplanation in `folder`.
std::vector<std::string> ExplanationFiles(const std::string& folder);

// Makes `folder` if need be and writes the files into it, each whole or not at
// all; what is there is replaced. subtitle: a sentence of plain text, what was
// explained. tile: pixels of a picture's longer side, see DrawStages.
absl::Status WriteExplanation(const std::string& folder, const Stages& stages,
                              const std::string& subtitle, int tile);

}  // namespace pipelines

#endif  // PIPELINES_EXPLANATION_EXPLANATION_PAGE_H_
