// Points and boxes as a user writes them on the command line.
#ifndef TOOLS_SEGMENT_PROMPT_TEXT_H_
#define TOOLS_SEGMENT_PROMPT_TEXT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tools {

// In pixels of the image, x right and y down, 0 the centre of the first pixel.
struct LabelledPoint {
  double x, y;
  bool foreground;
};

struct Box {
  double left, top, right, bottom;
};

// "120,80 200,95,0": points divided by blanks, each x,y or x,y,label, the label
// 1 (part of the object, as without a label) or 0 (not part of it).
// InvalidArgument, naming the point, for anything else or outside the image.
absl::StatusOr<std::vector<LabelledPoint>> ParsePoints(absl::string_view text,
                                                       int width, int height);

// "40,30,200,180": left, top, right, bottom; likewise several by blanks.
// InvalidArgument also for boxes without area.
absl::StatusOr<std::vector<Box>> ParseBoxes(absl::string_view text, int width,
                                            int height);

}  // namespace tools

#endif  // TOOLS_SEGMENT_PROMPT_TEXT_H_
