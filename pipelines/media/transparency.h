// Pictures that can be seen through, on a plain background and back.
//
// Alpha is CV_8UC1, 255 where a picture is opaque. It is straight: colours are
// not multiplied by it.
#ifndef PIPELINES_MEDIA_TRANSPARENCY_H_
#define PIPELINES_MEDIA_TRANSPARENCY_H_

#include "opencv2/core.hpp"

namespace pipelines::media {

// `colours` [h, w] CV_8UC3 by `alpha` [h, w] CV_8UC1 (255: opaque) over white,
// as a page shows it, in place. What alpha hides does not come back.
void PutOnWhite(const cv::Mat& alpha, cv::Mat* colours);

// The same for [h, w] CV_8UC4, whose last channel is alpha: [h, w] CV_8UC3.
cv::Mat OnWhite(const cv::Mat& with_alpha);

// The alpha of [h, w] CV_8UC4; empty where it is opaque everywhere.
cv::Mat AlphaOf(const cv::Mat& with_alpha);

// `on_white` [h, w] CV_8UC3, a picture by `alpha` over white, on a background
// of another colour (R, G, B) instead: what white adds is exchanged.
cv::Mat OnColour(const cv::Mat& on_white, const cv::Mat& alpha,
                 const cv::Vec3b& colour);

// Draws a picture over another one of the same size, in place. Both are over
// white, with their alpha: `top` and `top_alpha`, `bottom` and `bottom_alpha`.
void DrawOver(const cv::Mat& top, const cv::Mat& top_alpha, cv::Mat* bottom,
              cv::Mat* bottom_alpha);

// `on_white` with its alpha, without the white: [h, w] CV_8UC4 of R, G, B, A.
// What cannot be seen has the colours of what is nearest to it, and so has, the
// more the less it is seen, what can hardly be seen (alpha below 32). So
// nothing bleeds into the edges where a player or editor scales or compresses
// them. From 32 on OnWhite gives `on_white` back, rounded.
cv::Mat WithAlpha(const cv::Mat& on_white, const cv::Mat& alpha);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_TRANSPARENCY_H_
