#include "pipelines/animation/face_choice.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace pipelines {
namespace {

std::string Describe(const std::vector<cv::Rect>& faces) {
  std::string text =
      absl::StrCat("found ", faces.size(),
                   ", from left to right (x, y of the upper left "
                   "corner, width x height in pixels):");
  for (size_t i = 0; i < faces.size(); ++i) {
    const cv::Rect& face = faces[i];
    absl::StrAppend(&text, i == 0 ? " " : ", ", i + 1, " at ", face.x, ",",
                    face.y, " of ", face.width, "x", face.height);
  }
  return text;
}

}  // namespace

absl::StatusOr<FaceChoice> ParseFaceChoice(const std::string& text) {
  FaceChoice choice;
  if (text == "largest") return choice;
  if (text == "all") {
    choice.by = FaceChoice::By::kAll;
    return choice;
  }
  choice.by = FaceChoice::By::kNumbers;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    int number = 0;
    if (!absl::SimpleAtoi(word, &number) || number < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("face is '", text,
                       "'; use largest, all, a number from 1 (from left to "
                       "right), or several as 1,3"));
    }
    choice.numbers.push_back(number);
  }
  std::sort(choice.numbers.begin(), choice.numbers.end());
  choice.numbers.erase(
      std::unique(choice.numbers.begin(), choice.numbers.end()),
      choice.numbers.end());
  return choice;
}

absl::StatusOr<std::vector<cv::Rect>> ChooseFaces(
    const FaceChoice& choice, const std::vector<cv::Rect>& faces) {
  if (faces.empty()) return absl::NotFoundError("no face was found");
  std::vector<cv::Rect> chosen;
  switch (choice.by) {
    case FaceChoice::By::kLargest:
      chosen.push_back(*std::max_element(
          faces.begin(), faces.end(), [](const cv::Rect& a, const cv::Rect& b) {
            return a.area() < b.area();
          }));
      break;
    case FaceChoice::By::kAll:
      chosen = faces;
      break;
    case FaceChoice::By::kNumbers:
      for (const int number : choice.numbers) {
        if (number > static_cast<int>(faces.size())) {
          return absl::NotFoundError(
              absl::StrCat("there is no face ", number, "; ", Describe(faces)));
        }
        chosen.push_back(faces[static_cast<size_t>(number) - 1]);
      }
  }
  return chosen;
}

}  // namespace pipelines
