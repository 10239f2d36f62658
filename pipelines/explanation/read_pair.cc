#include "pipelines/explanation/read_pair.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/data/image_tensor.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::StatusOr<std::unique_ptr<CroppedReader>> Open(
    const std::string& path, const ReadPairOptions& options,
    int min_stacked_frames) {
  CroppedReaderOptions reader;
  reader.crop = options.crop;
  reader.frame_size = options.frame_size;
  reader.input.min_stacked_frames = min_stacked_frames;
  reader.input.stop = options.stop;
  return CroppedReader::Open(path, reader);
}

absl::StatusOr<cv::Mat> FirstFrame(CroppedReader& reader,
                                   const std::string& path) {
  ASSIGN_OR_RETURN(const std::optional<CroppedFrame> frame, reader.Next());
  if (frame) return frame->crop;
  return absl::InvalidArgumentError(absl::StrCat(path, ": has no frames"));
}

void AddWarnings(const CroppedReader& reader,
                 std::vector<std::string>* warnings) {
  for (const std::string& warning : reader.info().warnings) {
    warnings->push_back(warning);
  }
  if (!reader.warning().empty()) warnings->push_back(reader.warning());
}

struct Numbered {
  cv::Mat picture;
  int64_t number = 0;
};

// Of what is left behind `first`: frame `number`, or the one that differs most
// from it.
absl::StatusOr<Numbered> ChooseFrame(CroppedReader& reader,
                                     const std::string& path,
                                     const cv::Mat& first,
                                     std::optional<int64_t> number) {
  Numbered chosen{first, 0};
  if (number == 0) return chosen;
  double most = 0;
  for (int64_t n = 1;; ++n) {
    ASSIGN_OR_RETURN(const std::optional<CroppedFrame> frame, reader.Next());
    if (!frame) {
      if (!number) return chosen;
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": there is no frame ", *number, "; it has ", n,
                       n == 1 ? " frame, number 0" : " frames, from 0"));
    }
    if (number) {
      if (n == *number) return Numbered{frame->crop, n};
      continue;
    }
    const double difference = cv::norm(frame->crop, first, cv::NORM_L1);
    if (difference > most) {
      most = difference;
      chosen = {frame->crop, n};
    }
  }
}

}  // namespace

absl::StatusOr<PairMode> ParsePairMode(const std::string& name) {
  if (name == "auto") return PairMode::kAuto;
  if (name == "standard") return PairMode::kStandard;
  if (name == "relative") return PairMode::kRelative;
  return absl::InvalidArgumentError(absl::StrCat(
      "mode '", name, "' is unknown; use auto, standard or relative"));
}

absl::StatusOr<PairOfFiles> ReadPair(const std::string& source,
                                     const std::string& driving,
                                     const ReadPairOptions& options) {
  PairOfFiles result;
  ASSIGN_OR_RETURN(const auto source_reader,
                   Open(source, options, media::kMinFramesOfSourceRow));
  ASSIGN_OR_RETURN(const cv::Mat still, FirstFrame(*source_reader, source));
  AddWarnings(*source_reader, &result.warnings);

  if (IsMotionFile(driving)) {
    return absl::InvalidArgumentError(absl::StrCat(
        driving,
        ": a motion file holds no pictures; give the video that it is of"));
  }
  ASSIGN_OR_RETURN(const auto reader,
                   Open(driving, options, /*min_stacked_frames=*/2));
  ASSIGN_OR_RETURN(const cv::Mat first, FirstFrame(*reader, driving));
  const bool is_still = reader->info().is_still;
  if (is_still && options.mode == PairMode::kRelative) {
    return absl::InvalidArgumentError(absl::StrCat(
        driving,
        ": is one picture, which does not say what has moved since a "
        "first frame; use the mode standard, or a video"));
  }
  ASSIGN_OR_RETURN(const Numbered chosen,
                   ChooseFrame(*reader, driving, first, options.frame));
  AddWarnings(*reader, &result.warnings);

  result.frame = chosen.number;
  result.pair.source = data::ImageToTensor(still);
  result.pair.driving = data::ImageToTensor(chosen.picture);
  if (options.mode == PairMode::kRelative ||
      (options.mode == PairMode::kAuto && !is_still)) {
    result.pair.first_driving = data::ImageToTensor(first);
  }
  return result;
}

}  // namespace pipelines
