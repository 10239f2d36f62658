// Draws the pictures of cpab/README.md into a folder:
//
//   tools/bazelw run //cpab/image:draw_pictures -- $PWD/cpab/pictures
#include <cstdio>
#include <random>
#include <string>

#include "cpab/field/prior.h"
#include "cpab/flow/flow.h"
#include "cpab/image/drawing.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"

namespace {

const cv::Scalar kGrey(190, 190, 190), kBlue(190, 90, 30), kRed(50, 40, 210);

// Tessellation, velocity field and deformed grid of one field, side by side.
cv::Mat Triptych(const cpab::Flow& flow) {
  constexpr int kSide = 260;
  cpab::Canvas cells(kSide), field(kSide), grid(kSide);
  const cpab::Tessellation& tessellation = flow.field().tessellation();
  cells.DrawTessellation(tessellation, kBlue);
  field.DrawTessellation(tessellation, kGrey);
  field.DrawVelocityField(flow.field(), 12, kBlue);
  grid.DrawTessellation(tessellation, kGrey);
  grid.DrawDeformedGrid(flow, 16, kRed);
  cv::Mat row;
  cv::hconcat(std::vector<cv::Mat>{cells.image(), field.image(), grid.image()},
              row);
  return row;
}

bool Draw(const cpab::TessellationOptions& options, const std::string& path) {
  const auto basis = cpab::Basis::Create(options);
  if (!basis.ok()) return false;
  const auto prior = cpab::Prior::Create(*basis, cpab::PriorOptions());
  if (!prior.ok()) return false;
  std::mt19937_64 generator(4);
  // A tenth of what the prior allows, so that the grid can be followed by eye.
  const Eigen::VectorXd theta = 0.1 * (*prior)->Sample(generator);
  return cv::imwrite(path, Triptych(cpab::Flow(*basis, theta)),
                     {cv::IMWRITE_PNG_COMPRESSION, 9});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: draw_pictures FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  if (!Draw({4, 4}, folder + "/free.png") ||
      !Draw({4, 4, true, false}, folder + "/zero_boundary.png") ||
      !Draw({6, 6, true, true}, folder + "/volume_preserving.png")) {
    std::fprintf(stderr, "draw_pictures: cannot write into %s\n",
                 folder.c_str());
    return 1;
  }
  return 0;
}
