#include "tools/segment/prompt_text.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "third_party/absl/status_macros.h"

namespace tools {

namespace {

std::vector<absl::string_view> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" ;\t\n"), absl::SkipEmpty());
}

absl::Status Mistake(absl::string_view kind, absl::string_view word,
                     absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the ", kind, " '", word, "' ", what));
}

absl::StatusOr<std::vector<double>> Numbers(absl::string_view kind,
                                            absl::string_view word) {
  std::vector<double> numbers;
  for (const absl::string_view piece : absl::StrSplit(word, ',')) {
    double number;
    if (!absl::SimpleAtod(piece, &number) || !std::isfinite(number)) {
      return Mistake(kind, word,
                     absl::StrCat("has '", piece, "' for a number"));
    }
    numbers.push_back(number);
  }
  return numbers;
}

absl::Status CheckInside(absl::string_view kind, absl::string_view word,
                         double x, double y, int width, int height) {
  if (x >= 0 && x < width && y >= 0 && y < height) return absl::OkStatus();
  return Mistake(kind, word,
                 absl::StrCat("is not in the image, which has ", width, " x ",
                              height, " pixels"));
}

}  // namespace

absl::StatusOr<std::vector<LabelledPoint>> ParsePoints(absl::string_view text,
                                                       int width, int height) {
  std::vector<LabelledPoint> points;
  for (const absl::string_view word : Words(text)) {
    ASSIGN_OR_RETURN(const std::vector<double> n, Numbers("point", word));
    const bool labelled = n.size() == 3 && (n[2] == 0 || n[2] == 1);
    if (n.size() != 2 && !labelled) {
      return Mistake("point", word,
                     "is not x,y or x,y,label with label 0 or 1");
    }
    RETURN_IF_ERROR(CheckInside("point", word, n[0], n[1], width, height));
    points.push_back({n[0], n[1], !labelled || n[2] == 1});
  }
  return points;
}

absl::StatusOr<std::vector<Box>> ParseBoxes(absl::string_view text, int width,
                                            int height) {
  std::vector<Box> boxes;
  for (const absl::string_view word : Words(text)) {
    ASSIGN_OR_RETURN(const std::vector<double> n, Numbers("box", word));
    if (n.size() != 4) {
      return Mistake("box", word, "is not left,top,right,bottom");
    }
    RETURN_IF_ERROR(CheckInside("box", word, n[0], n[1], width, height));
    RETURN_IF_ERROR(CheckInside("box", word, n[2], n[3], width, height));
    if (n[0] >= n[2] || n[1] >= n[3]) {
      return Mistake("box", word,
                     "has no area: right must exceed left, and "
                     "bottom top");
    }
    boxes.push_back({n[0], n[1], n[2], n[3]});
  }
  return boxes;
}

}  // namespace tools
