// Which of the faces of a picture are meant.
#ifndef PIPELINES_ANIMATION_FACE_CHOICE_H_
#define PIPELINES_ANIMATION_FACE_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines {

// Faces are numbered from 1, from left to right by their middles.
struct FaceChoice {
  enum class By { kLargest, kNumbers, kAll };
  By by = By::kLargest;
  std::vector<int> numbers;  // rising, from 1
};

// "largest", "all", a number, or several with commas between: "1,3".
// InvalidArgument for anything else.
absl::StatusOr<FaceChoice> ParseFaceChoice(const std::string& text);

// The faces that `choice` means of `faces`, which are all that a picture has,
// from left to right; so are those that come back. Of several largest ones the
// leftmost. NotFound where there is none, or none of a number, with the number,
// place and size of each that there is.
absl::StatusOr<std::vector<cv::Rect>> ChooseFaces(
    const FaceChoice& choice, const std::vector<cv::Rect>& faces);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_FACE_CHOICE_H_
