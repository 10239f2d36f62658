// An evaluation on the page of a run (report/page.h).
#ifndef PIPELINES_EVALUATION_EVALUATION_PAGE_H_
#define PIPELINES_EVALUATION_EVALUATION_PAGE_H_

#include <string>

#include "pipelines/evaluation/evaluation.h"
#include "pipelines/report/page.h"

namespace pipelines {

// Puts scores and pictures on a page that is to lie in `folder`, to which its
// links are relative; and the means into its summary.
void AddToPage(const Evaluation& evaluation, const std::string& folder,
               RunPage* page);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_EVALUATION_PAGE_H_
