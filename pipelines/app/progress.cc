#include "pipelines/app/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/base/format_duration.h"
#include "pipelines/base/stopwatch.h"

namespace pipelines {
namespace {

constexpr int kBarWidth = 22;

// The rate is a mean that forgets: what was `kMemory` seconds ago weighs 1/e.
constexpr double kMemory = 15;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

int TerminalColumns(std::FILE* stream) {
  winsize size{};
  const bool known =
      ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

ProgressOptions WithDefaults(ProgressOptions options) {
  if (!options.seconds) {
    options.seconds = [clock = Stopwatch()] { return clock.Seconds(); };
  }
  return options;
}

bool IsTerminal(const ProgressOptions& options) {
  return options.style == ProgressOptions::Style::kAuto
             ? isatty(fileno(options.stream)) == 1
             : options.style == ProgressOptions::Style::kTerminal;
}

std::string Bar(double share) {
  const int filled = static_cast<int>(std::lround(share * kBarWidth));
  std::string bar(std::max(filled - 1, 0), '=');
  if (filled > 0) bar += filled == kBarWidth ? '=' : '>';
  bar.append(kBarWidth - bar.size(), ' ');
  return absl::StrCat("[", bar, "]");
}

// Cuts UTF-8 text after `columns` characters, never inside one.
std::string FirstCharacters(const std::string& text, int columns) {
  size_t end = 0;
  for (int shown = 0; end < text.size() && shown < columns; ++shown) {
    ++end;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
  }
  return text.substr(0, end);
}

}  // namespace

ProgressBar::ProgressBar(ProgressOptions options)
    : options_(WithDefaults(std::move(options))),
      terminal_(IsTerminal(options_)),
      start_(options_.seconds()),
      done_(options_.done),
      last_drawn_(-std::numeric_limits<double>::infinity()),
      rate_time_(start_),
      rate_done_(options_.done) {}

ProgressBar::~ProgressBar() {
  if (!line_open_) return;
  std::fputc('\n', options_.stream);
  std::fflush(options_.stream);
}

void ProgressBar::Update(int64_t done, absl::string_view extra) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  done_ = done;
  extra_ = std::string(extra);
  MeasureRate();
  const double interval =
      terminal_ ? options_.terminal_interval : options_.plain_interval;
  if (options_.seconds() - last_drawn_ >= interval) Draw(false);
}

void ProgressBar::Print(absl::string_view line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (line_open_) std::fputs("\r\033[K", options_.stream);
  std::fputs(absl::StrCat(line, "\n").c_str(), options_.stream);
  if (line_open_) Draw(false);
  std::fflush(options_.stream);
}

void ProgressBar::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!line_open_) return;
  std::fputs("\r\033[K", options_.stream);
  std::fflush(options_.stream);
  line_open_ = false;
}

void ProgressBar::Finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  finished_ = true;
  Draw(true);
}

void ProgressBar::MeasureRate() {
  const double now = options_.seconds();
  const double elapsed = now - rate_time_;
  // Single steps of a fast loop are shorter than the clock is exact.
  if (elapsed < 0.05 || done_ <= rate_done_) return;
  const double steps = static_cast<double>(done_ - rate_done_);
  const double weight = rate_ == 0 ? 1 : 1 - std::exp(-elapsed / kMemory);
  rate_ += weight * (steps / elapsed - rate_);
  rate_time_ = now;
  rate_done_ = done_;
}

double ProgressBar::Share() const {
  if (options_.share) return options_.share();
  return options_.total > 0
             ? static_cast<double>(done_) / static_cast<double>(options_.total)
             : kUnknown;
}

double ProgressBar::SecondsLeft() const {
  if (options_.seconds_left) return options_.seconds_left();
  return options_.total > 0 ? static_cast<double>(std::max<int64_t>(
                                  options_.total - done_, 0)) /
                                  rate_
                            : kUnknown;
}

std::string ProgressBar::Line(bool finished) const {
  // What is finished is the whole, whatever was expected.
  const double share =
      finished && options_.share ? 1 : std::clamp(Share(), 0.0, 1.0);
  const double left = SecondsLeft();
  std::string line = options_.title;
  const auto add = [&](absl::string_view word) {
    absl::StrAppend(&line, line.empty() ? "" : "  ", word);
  };
  if (terminal_ && std::isfinite(share)) add(Bar(share));
  std::string counts = options_.total > 0
                           ? absl::StrCat(done_, "/", options_.total)
                           : absl::StrCat(done_);
  if (std::isfinite(share)) {
    // 100 * (29.0 / 50) is a little less than 58.
    absl::StrAppendFormat(&counts, "  %3.0f%%", std::floor(100 * share + 1e-9));
  }
  add(counts);
  const double taken = options_.seconds() - start_;
  const double rate =
      finished ? static_cast<double>(done_ - options_.done) / taken : rate_;
  if (rate > 0 && std::isfinite(rate)) {
    add(absl::StrCat(FormatRate(rate), options_.unit.empty() ? "" : " ",
                     options_.unit, "/s"));
    if (finished) {
      add(absl::StrCat("in ", FormatDuration(taken)));
    } else if (std::isfinite(left)) {
      add(absl::StrCat(FormatDuration(left), " left"));
    }
  }
  if (!extra_.empty()) add(extra_);
  return line;
}

void ProgressBar::Draw(bool finished) {
  const std::string line = Line(finished);
  if (terminal_) {
    const int columns = options_.columns > 0 ? options_.columns
                                             : TerminalColumns(options_.stream);
    // A line as wide as the terminal would wrap and leave its copies behind.
    std::fputs(absl::StrCat("\r", FirstCharacters(line, columns - 1), "\033[K")
                   .c_str(),
               options_.stream);
    if (finished) std::fputc('\n', options_.stream);
    line_open_ = !finished;
  } else {
    std::fputs(absl::StrCat(line, "\n").c_str(), options_.stream);
  }
  std::fflush(options_.stream);
  last_drawn_ = options_.seconds();
}

std::string FormatRate(double per_second) {
  if (per_second >= 9995) return absl::StrFormat("%.3gk", per_second / 1000);
  // Two figures of 99.5 would be 1e+02.
  if (per_second >= 99.5) return absl::StrFormat("%.0f", per_second);
  return absl::StrFormat("%.2g", per_second);
}

}  // namespace pipelines
