// A progress bar for long commands.
//
// On a terminal one line is redrawn in place:
//
//   train  [=========>          ]  310/600  51%  4.2/s  1:09 left  loss 0.83
//
// Elsewhere (a file, a pipe, a CI log) a plain line is printed every few
// seconds. Safe to use from many threads.
#ifndef PIPELINES_APP_PROGRESS_H_
#define PIPELINES_APP_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace pipelines {

struct ProgressOptions {
  std::string title;
  // Steps of the whole; 0 or less if unknown (no bar, no time left).
  int64_t total = 0;
  // Steps done before this process, as on resuming; they do not count as speed.
  int64_t done = 0;
  // Where steps do not cost alike: the share of the whole that is done, in [0,
  // 1], and the seconds that are left, each NaN while unknown. The bar goes by
  // them, also where the total is unknown. Unset, all steps cost alike.
  std::function<double()> share;
  std::function<double()> seconds_left;
  // What a step is, for the rate: "4.2 frames/s"; plain "4.2/s" if empty.
  std::string unit;

  // Where to and how. Unset values are found out: whether `stream` is a
  // terminal and how wide, and the time since some start in seconds.
  std::FILE* stream = stderr;
  enum class Style { kAuto, kTerminal, kPlain } style = Style::kAuto;
  int columns = 0;
  std::function<double()> seconds;
  double terminal_interval = 0.1;
  double plain_interval = 5;
};

// Redraws the bar as steps are reported; one at a time for a stream.
class ProgressBar {
 public:
  explicit ProgressBar(ProgressOptions options);
  // Ends the line if Finish() was not called, leaving the bar where it was.
  ~ProgressBar();

  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done` steps of the total are finished; `extra`, say losses, stands at the
  // end of the line. Draws only if enough time has gone by since the last.
  void Update(int64_t done, absl::string_view extra = "");

  // Prints `line` on a line of its own above the bar.
  void Print(absl::string_view line);

  // Takes the bar off the terminal until the next Update, so that a line can be
  // printed to another stream.
  void Clear();

  // Draws the last state, in place of the time left the time taken, and ends
  // the line. Further calls do nothing.
  void Finish();

 private:
  std::string Line(bool finished) const;
  void Draw(bool finished);
  void MeasureRate();
  double Share() const;
  double SecondsLeft() const;

  const ProgressOptions options_;
  const bool terminal_;
  const double start_;
  mutable std::mutex mutex_;
  int64_t done_;
  std::string extra_;
  double last_drawn_;
  double rate_ = 0;  // steps a second, of late
  double rate_time_;
  int64_t rate_done_;
  bool line_open_ = false;
  bool finished_ = false;
};

// Two or three figures: "0.042", "4.2", "310", "12.4k".
std::string FormatRate(double per_second);

}  // namespace pipelines

#endif  // PIPELINES_APP_PROGRESS_H_
