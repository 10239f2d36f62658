// Pictures that can be seen through, on a plain background. Private to this
// folder.
#ifndef PIPELINES_MEDIA_TRANSPARENCY_H_
#define PIPELINES_MEDIA_TRANSPARENCY_H_

#include "opencv2/core.hpp"

namespace pipelines::media {

// `colours` [h, w] CV_8UC3 by `alpha` [h, w] CV_8UC1 (255: opaque) over white,
// as a page shows it, in place. What alpha hides does not come back.
void PutOnWhite(const cv::Mat& alpha, cv::Mat* colours);

// The same for [h, w] CV_8UC4, whose last channel is alpha: [h, w] CV_8UC3.
cv::Mat OnWhite(const cv::Mat& with_alpha);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_TRANSPARENCY_H_
