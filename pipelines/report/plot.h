// Line plots as SVG text, for files of their own and for inlining in HTML.
//
// Text and axes take the surrounding page's colour (currentColor) where
// inlined, so that they suit light and dark pages; a file of its own shows them
// in black.
#ifndef PIPELINES_REPORT_PLOT_H_
#define PIPELINES_REPORT_PLOT_H_

#include <string>
#include <vector>

namespace pipelines {

struct Series {
  std::string name;  // for the legend
  // Of equal length, x rising. A point whose y is not finite (or, on a log
  // axis, not above 0) is left out.
  std::vector<double> x;
  std::vector<double> y;
};

struct PlotOptions {
  std::string title;
  std::string x_label;
  bool log_y = false;
  // Both axes begin at 0, and y ends at a round number; not for log_y and
  // values below 0.
  bool from_zero = false;
  // For short series: a dot on each point, and ticks of x at 0 and at those
  // points for which there is room.
  bool dots = false;
  // Draws a running mean over this share of the points (0 to 1) in full colour
  // and the values themselves faintly behind it; 0 draws the values only.
  double smoothing = 0;
  int width = 720;  // of the view box; the picture scales with its place
  int height = 360;
};

// An <svg> element. Long series are thinned to the least and greatest value a
// pixel column, so that a plot of a million steps stays a small file. With no
// finite value in any series, says "no data" in an empty frame.
std::string LinePlotSvg(const std::vector<Series>& series,
                        const PlotOptions& options);

// Round numbers that cover [low, high] in about `count` steps of 1, 2 or 5
// times a power of ten. low < high.
std::vector<double> NiceTicks(double low, double high, int count);

// Powers of ten, with 2 and 5 times them where the range is short.
std::vector<double> LogTicks(double low, double high);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_PLOT_H_
