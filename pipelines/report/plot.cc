#include "pipelines/report/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "pipelines/report/html.h"

namespace pipelines {
namespace {

// Of like brightness, and apart for the colour-blind as far as eight can be;
// readable on white and on black.
constexpr std::array<const char*, 8> kColors = {"#4488ee", "#ee7733", "#22aa77",
                                                "#dd4477", "#9966dd", "#bb9922",
                                                "#22aabb", "#888f99"};

constexpr double kLeft = 62;
constexpr double kRight = 16;
constexpr double kBottom = 46;
constexpr double kTitleHeight = 26;
constexpr double kLegendHeight = 20;
constexpr double kLegendSwatch = 26;
constexpr double kTickRoom = 30;         // for the label, as 1024
constexpr double kCharacterWidth = 6.8;  // of the 12 pixel font, at most

struct Point {
  double x, y;
};
using Line = std::vector<Point>;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

// The series' points in the axes' coordinates: y as its logarithm if asked.
Line PlottablePoints(const Series& series, bool log_y) {
  Line points;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const double y = log_y ? std::log10(series.y[i]) : series.y[i];
    if (std::isfinite(series.x[i]) && std::isfinite(y)) {
      points.push_back({series.x[i], y});
    }
  }
  return points;
}

// Mean over the window of `width` points around each, shorter at the ends.
Line RunningMean(const Line& points, size_t width) {
  std::vector<double> sums = {0};
  for (const Point& p : points) sums.push_back(sums.back() + p.y);
  Line mean;
  const size_t half = width / 2;
  for (size_t i = 0; i < points.size(); ++i) {
    // Symmetric, so that the ends do not lag behind a trend.
    const size_t reach = std::min({half, i, points.size() - 1 - i});
    const size_t first = i - reach;
    const size_t last = i + reach + 1;
    mean.push_back({points[i].x, (sums[last] - sums[first]) /
                                     static_cast<double>(last - first)});
  }
  return mean;
}

// Maps data to the picture.
struct Frame {
  Range x, y;
  double left, right, top, bottom;

  double X(double value) const {
    return left + (right - left) * (value - x.low) / (x.high - x.low);
  }
  double Y(double value) const {
    return bottom - (bottom - top) * (value - y.low) / (y.high - y.low);
  }
};

void AppendPoint(const Point& p, std::string& path) {
  absl::StrAppendFormat(&path, "%s%.1f %.1f", path.empty() ? "M" : "L", p.x,
                        p.y);
}

// SVG path data with at most the first, least, greatest and last point of each
// pixel column.
std::string PathData(const Line& points, const Frame& frame) {
  std::string path;
  for (size_t begin = 0; begin < points.size();) {
    const double column = std::floor(frame.X(points[begin].x));
    size_t low = begin, high = begin, end = begin;
    for (; end < points.size() && std::floor(frame.X(points[end].x)) == column;
         ++end) {
      if (points[end].y < points[low].y) low = end;
      if (points[end].y > points[high].y) high = end;
    }
    std::array<size_t, 4> kept = {begin, std::min(low, high),
                                  std::max(low, high), end - 1};
    const auto* last = std::unique(kept.begin(), kept.end());
    for (const auto* i = kept.begin(); i != last; ++i) {
      AppendPoint({frame.X(points[*i].x), frame.Y(points[*i].y)}, path);
    }
    begin = end;
  }
  return path;
}

std::string TickLabel(double value) {
  if (std::abs(value) >= 1e4 && std::abs(value) < 1e6) {
    return absl::StrFormat("%gk", value / 1e3);
  }
  if (std::abs(value) >= 1e6 && std::abs(value) < 1e9) {
    return absl::StrFormat("%gM", value / 1e6);
  }
  return absl::StrFormat("%g", value);
}

std::string Text(double x, double y, absl::string_view anchor,
                 absl::string_view text, absl::string_view attributes = "") {
  return absl::StrFormat(
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y,
      anchor, attributes, EscapeHtml(text));
}

std::string GridLine(double x1, double y1, double x2, double y2,
                     bool strong = false) {
  return absl::StrFormat(
      "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
      "stroke=\"currentColor\" stroke-opacity=\"%s\"/>\n",
      x1, y1, x2, y2, strong ? "0.5" : "0.13");
}

int YTickCount(const PlotOptions& options) {
  return std::max(2, static_cast<int>(options.height / 55));
}

std::vector<double> XTicks(const std::vector<Line>& lines, const Frame& frame,
                           const PlotOptions& options) {
  if (!options.dots) {
    const int count = std::max(2, static_cast<int>(options.width / 90));
    return NiceTicks(frame.x.low, frame.x.high, count);
  }
  std::set<double> places = {0};
  for (const Line& line : lines) {
    for (const Point& p : line) places.insert(p.x);
  }
  std::vector<double> ticks;
  for (double x : places) {
    if (ticks.empty() || frame.X(x) - frame.X(ticks.back()) >= kTickRoom) {
      ticks.push_back(x);
    }
  }
  return ticks;
}

std::string Axes(const Frame& frame, const std::vector<double>& x_ticks,
                 const PlotOptions& options) {
  std::string svg;
  for (double tick : x_ticks) {
    if (tick < frame.x.low || tick > frame.x.high) continue;
    const double x = frame.X(tick);
    absl::StrAppend(&svg, GridLine(x, frame.top, x, frame.bottom),
                    Text(x, frame.bottom + 16, "middle", TickLabel(tick)));
  }
  const std::vector<double> y_ticks =
      options.log_y
          ? LogTicks(std::pow(10, frame.y.low), std::pow(10, frame.y.high))
          : NiceTicks(frame.y.low, frame.y.high, YTickCount(options));
  for (double tick : y_ticks) {
    const double value = options.log_y ? std::log10(tick) : tick;
    if (value < frame.y.low || value > frame.y.high) continue;
    const double y = frame.Y(value);
    absl::StrAppend(&svg, GridLine(frame.left, y, frame.right, y),
                    Text(frame.left - 7, y + 4, "end", TickLabel(tick)));
  }
  const double middle = (frame.left + frame.right) / 2;
  absl::StrAppend(
      &svg, GridLine(frame.left, frame.bottom, frame.right, frame.bottom, true),
      GridLine(frame.left, frame.top, frame.left, frame.bottom, true),
      Text(middle, frame.bottom + 37, "middle", options.x_label));
  return svg;
}

const char* ColorOf(size_t index) { return kColors[index % kColors.size()]; }

// The first eight lines are solid; after that the colours come again, dashed.
const char* DashOf(size_t index) {
  return index < kColors.size() ? "" : " stroke-dasharray=\"5 3\"";
}

// Names in rows above the plot; sets `y` below the last row.
std::string Legend(const std::vector<Series>& series, double width, double& y) {
  std::string svg;
  double x = kLeft;
  for (size_t i = 0; i < series.size(); ++i) {
    if (series[i].name.empty()) continue;
    const double item =
        kLegendSwatch + 14 +
        kCharacterWidth * static_cast<double>(series[i].name.size());
    if (x > kLeft && x + item > width) {
      x = kLeft;
      y += kLegendHeight;
    }
    absl::StrAppendFormat(
        &svg,
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
        "stroke-width=\"2.5\"%s/>\n",
        x, y + 8, x + kLegendSwatch - 6, y + 8, ColorOf(i), DashOf(i));
    absl::StrAppend(&svg,
                    Text(x + kLegendSwatch, y + 12, "start", series[i].name));
    x += item;
  }
  if (!svg.empty()) y += kLegendHeight;
  return svg;
}

std::string Dots(const Line& points, const Frame& frame, size_t index) {
  std::string svg;
  for (const Point& p : points) {
    absl::StrAppendFormat(
        &svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
        frame.X(p.x), frame.Y(p.y), ColorOf(index));
  }
  return svg;
}

std::string Curve(const Line& points, const Frame& frame, size_t index,
                  absl::string_view name, bool faint) {
  if (points.size() == 1) return Dots(points, frame, index);
  return absl::StrFormat(
      "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" "
      "stroke-opacity=\"%s\" stroke-linejoin=\"round\"%s><title>%s</title>"
      "</path>\n",
      PathData(points, frame), ColorOf(index), faint ? "1" : "1.8",
      faint ? "0.3" : "1", DashOf(index), EscapeHtml(name));
}

// Widens a range so that curves do not lie on the frame.
Range Padded(Range range, double share) {
  double margin = share * (range.high - range.low);
  if (margin <= 0) margin = std::max(0.05 * std::abs(range.low), 1e-6);
  return {range.low - margin, range.high + margin};
}

}  // namespace

std::vector<double> NiceTicks(double low, double high, int count) {
  const double raw = (high - low) / std::max(count, 1);
  if (!(raw > 0) || !std::isfinite(raw)) return {low};
  const double magnitude = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * magnitude;
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * magnitude >= raw * (1 - 1e-9)) {
      step = factor * magnitude;
      break;
    }
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);  // never -0
  }
  return ticks;
}

std::vector<double> LogTicks(double low, double high) {
  const double decades = std::log10(high / low);
  // A very long axis shows every second or third power of ten only.
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / 8)));
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  for (int exponent = first; exponent <= last; exponent += stride) {
    for (double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && decades > 2.5) break;
      const double tick = factor * std::pow(10, exponent);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) {
        ticks.push_back(tick);
      }
    }
  }
  // Within less than a factor of two there may be none.
  return ticks.size() >= 2 ? ticks : NiceTicks(low, high, 4);
}

std::string LinePlotSvg(const std::vector<Series>& series,
                        const PlotOptions& options) {
  std::vector<Line> lines;
  Range x, y;
  for (const Series& one : series) {
    lines.push_back(PlottablePoints(one, options.log_y));
    for (const Point& p : lines.back()) {
      x.Include(p.x);
      y.Include(p.y);
    }
  }
  const double width = options.width;
  const double height = options.height;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
      "role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
      "fill=\"currentColor\">\n<title>%s</title>\n",
      options.width, options.height, EscapeHtml(options.title));
  double top = 8;
  if (!options.title.empty()) {
    absl::StrAppend(&svg, Text(kLeft, top + 12, "start", options.title,
                               " font-size=\"14\" font-weight=\"600\""));
    top += kTitleHeight;
  }
  if (x.empty()) {
    return absl::StrCat(svg, Text(width / 2, height / 2, "middle", "no data"),
                        "</svg>\n");
  }
  absl::StrAppend(&svg, Legend(series, width - kRight, top));
  if (options.from_zero) {
    x.Include(0);
    y = {0, NiceTicks(0, y.high, YTickCount(options)).back()};
  }
  const Frame frame{x.low == x.high ? Padded(x, 0) : x,
                    options.from_zero && y.high > 0 ? y : Padded(y, 0.05),
                    kLeft,
                    width - kRight,
                    top + 6,
                    height - kBottom};
  absl::StrAppend(&svg, Axes(frame, XTicks(lines, frame, options), options));
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const auto window = static_cast<size_t>(
        options.smoothing * static_cast<double>(lines[i].size()));
    const bool smooth = window >= 2;
    absl::StrAppend(&svg, Curve(lines[i], frame, i, series[i].name, smooth));
    if (smooth) {
      absl::StrAppend(&svg, Curve(RunningMean(lines[i], window), frame, i,
                                  series[i].name, false));
    }
    if (options.dots) absl::StrAppend(&svg, Dots(lines[i], frame, i));
  }
  return absl::StrCat(svg, "</svg>\n");
}

}  // namespace pipelines
