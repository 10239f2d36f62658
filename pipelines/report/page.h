// The page of a training run or an evaluation: index.html in its folder, to be
// opened in a browser.
//
// Self-contained: style and plot are inside, pictures and films are linked
// relative to the folder, nothing comes from a network. All text is escaped.
#ifndef PIPELINES_REPORT_PAGE_H_
#define PIPELINES_REPORT_PAGE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/report/plot.h"
#include "pipelines/report/score_table.h"

namespace pipelines {

struct Picture {
  std::string path;     // relative to the run folder
  std::string caption;  // "epoch 12, step 600"
};

struct RunCommand {
  std::string purpose;  // "Animate an image of your own"
  std::string command;
};

struct RunPage {
  std::string title;
  std::string subtitle;  // a sentence: what, when, on which machine
  // Name and value, as "training steps" and "600"; shown as tiles.
  std::vector<std::pair<std::string, std::string>> summary;
  // Loss curves over steps; those with one unit share a plot.
  struct Plot {
    PlotOptions options;
    std::vector<Series> series;
  };
  std::vector<Plot> plots;
  std::vector<Picture> animations;  // mp4 files
  std::vector<Picture> strips;      // oldest first; shown newest first
  ScoreTable scores;                // of the test clips, in this order
  std::vector<Picture> failures;    // of the worst clips
  std::vector<Picture> sheets;      // sources animated by other clips
  std::string config;               // text, shown on request
  std::vector<RunCommand> commands;
  // While the run goes on the page reloads itself every so many seconds; 0
  // for a finished run.
  int reload_seconds = 0;
};

// The page as HTML text.
std::string RunPageHtml(const RunPage& page);

// Writes index.html into the existing `folder`, whole or not at all.
absl::Status WriteRunPage(const std::string& folder, const RunPage& page);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_PAGE_H_
