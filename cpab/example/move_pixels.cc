// Moves points of a picture: fits a CPAB transformation to pairs of pixels and
// warps the picture by it.
//
//   move_pixels PICTURE OUTPUT x,y,to_x,to_y ...
#include <cstdio>
#include <string>

#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "cpab/flow/flow.h"
#include "cpab/image/warp.h"
#include "opencv2/imgcodecs.hpp"

namespace {

int Fail(const std::string& why) {
  std::fprintf(stderr, "move_pixels: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return Fail("give PICTURE OUTPUT x,y,to_x,to_y ...");
  if (!cv::haveImageWriter(argv[2])) return Fail("name OUTPUT .png or .jpg");
  const cv::Mat picture = cv::imread(argv[1]);
  if (picture.cols < 2 || picture.rows < 2) return Fail("no such picture");

  // From pixels to the unit square: the centres of the first and the last pixel
  // are 0 and 1.
  const Eigen::Array2d last_pixel(picture.cols - 1, picture.rows - 1);
  const int count = argc - 3;
  cpab::KeypointPairs pairs = {Eigen::Matrix2Xd(2, count),
                               Eigen::Matrix2Xd(2, count), /*weights=*/{}};
  for (int k = 0; k < count; ++k) {
    Eigen::Array2d from, to;
    if (std::sscanf(argv[3 + k], "%lf,%lf,%lf,%lf", &from.x(), &from.y(),
                    &to.x(), &to.y()) != 4) {
      return Fail("give four numbers a pair: x,y,to_x,to_y");
    }
    pairs.from.col(k) = from / last_pixel;
    pairs.to.col(k) = to / last_pixel;
  }

  // 4x4 rectangles, nothing moves across the border.
  const auto basis = cpab::Basis::Create({4, 4, /*zero_boundary=*/true});
  if (!basis.ok()) return Fail(basis.status().ToString());
  const auto fitter = cpab::KeypointFitter::Create(*basis, {});
  if (!fitter.ok()) return Fail(fitter.status().ToString());
  const cpab::Flow flow(*basis, fitter->Fit(pairs).theta);  // T(from) = to

  for (int k = 0; k < count; ++k) {
    const Eigen::Array2d from = pairs.from.col(k).array() * last_pixel;
    const Eigen::Array2d at = flow(pairs.from.col(k)).array() * last_pixel;
    std::printf("(%g, %g) -> (%.1f, %.1f)\n", from.x(), from.y(), at.x(),
                at.y());
  }

  // A pixel of the result looks up where it comes from, so contents that go
  // from `from` to `to` are warped by the inverse.
  const auto warped = cpab::Warp(picture, flow.Inverse());
  if (!warped.ok()) return Fail(warped.status().ToString());
  return cv::imwrite(argv[2], *warped) ? 0 : Fail("the output was not written");
}
