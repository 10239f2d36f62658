// A folder of clips as a sequence of training pairs.
//
// The folder is laid out as the field does it: root/train and root/test, each
// holding clips (see clip.h). Which pair stands at which place of the sequence
// is a pure function of the seed and the data: see the sequence law at Get.
#ifndef PIPELINES_DATA_DATASET_H_
#define PIPELINES_DATA_DATASET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/data/augmentation.h"
#include "pipelines/data/clip.h"

namespace pipelines::data {

// How many frames the two of a pair may be apart: at most
// floor(start * 2^(epoch / doubling_epochs)); without a limit where `start` is
// 0.
struct FrameDistanceOptions {
  int start = 0;                // at least 0
  double doubling_epochs = 10;  // above 0
};

struct DatasetOptions {
  // Folder with train/ and test/.
  std::string root;

  // The subfolder to read: "train" or "test".
  std::string split = "train";

  // Frames are cropped and scaled to this size. If empty, all clips must have
  // one size.
  std::optional<cv::Size> image_size;

  // An epoch draws identities instead of clips, and for each one of its clips.
  // The identity of a clip is its name before the first '#'.
  bool id_sampling = false;

  // How often an epoch visits each clip (or identity); at least 1.
  int repeats = 1;

  AugmentationOptions augmentation;

  FrameDistanceOptions frame_distance;

  // Bytes of decoded frames that are kept; the least recently used go first.
  int64_t cache_bytes = int64_t{1} << 30;

  // The run goes on without the clips that cannot be read as long as they are
  // not more than this share of all; in [0, 1].
  double max_bad_share = 0.05;

  uint64_t seed = 0;

  // Threads that look at the clips while the dataset is opened; 0: one a core.
  int num_index_threads = 0;

  // WorkHooks::progress of that look, behind each clip. May be empty.
  std::function<void(const WorkProgress& progress)> index_progress;
};

// InvalidArgument naming the first field that is out of its range.
absl::Status Validate(const DatasetOptions& options);

struct IndexedClip {
  std::string path;
  // File or folder name without ending; with it where two would have one name.
  std::string name;
  std::string identity;  // name before the first '#'
  ClipInfo info;

  // Of the file when the dataset was opened; of a folder of frames, when it or
  // a file in it was last changed, and their sum.
  int64_t modified_ns = 0;  // since 1970
  int64_t bytes = 0;
};

struct BadClip {
  std::string path;
  std::string reason;

  // Whether it may have been meant as a clip: false of a file that cannot be
  // read and has the ending of no picture or video, such as a log. It does not
  // count for max_bad_share.
  bool counts = true;
};

// "left out PATH: REASON", with the path once.
std::string LeftOut(const BadClip& clip);

struct Sample {
  FramePair frames;  // [H, W] CV_8UC3 RGB
  std::string name;  // of the clip
  // The numbers of the two frames in the clip, from 0 on, first <= second.
  int first_frame = 0;
  int second_frame = 0;
};

// As "walk#1 frames 3 and 17".
std::string InWords(const Sample& sample);

// Safe to use from many threads.
class Dataset {
 public:
  // Looks at every clip (see ProbeClip). NotFound when root, or the split's
  // folder in it, is missing or holds no clip, FailedPrecondition when more
  // than max_bad_share of the clips are bad, InvalidArgument for bad options
  // or clips of several sizes without options.image_size.
  static absl::StatusOr<std::unique_ptr<Dataset>> Open(
      const DatasetOptions& options);

  ~Dataset();

  // Samples in an epoch: clips (or identities) times repeats.
  int64_t size() const;

  // Size of the frames of every sample.
  cv::Size image_size() const;

  // The clips that could be read when the dataset was opened, by name.
  const std::vector<IndexedClip>& clips() const;

  // Clips that are left out, those found when opening first, then in the order
  // of discovery. A copy, since it may grow while samples are drawn.
  std::vector<BadClip> bad_clips() const;

  // The sample at `position`, 0 <= position < size(), of `epoch`.
  //
  // The sequence law: the result depends on options.seed, epoch, position, the
  // other options and the files, and on nothing else: not on earlier calls, the
  // cache, threads or workers. An epoch visits every clip (or identity)
  // repeats times, in an order of its own. Two frames are drawn uniformly
  // and independently from the clip, the second from those that
  // options.frame_distance allows; the earlier is the source. Then come the
  // augmentations.
  //
  // If the clip turns out to be damaged inside, the next draw of the same
  // sample's random stream takes its place, so that the law holds for broken
  // files too. FailedPrecondition when more than max_bad_share are bad by now.
  absl::StatusOr<Sample> Get(int64_t epoch, int64_t position);

  // Counts clips()[index], which could not be read as `reason` says, among the
  // bad ones. FailedPrecondition as of Get.
  absl::Status SetAside(int64_t index, const absl::Status& reason);

  // All frames of clips()[index], through the cache.
  absl::StatusOr<std::shared_ptr<const Clip>> ReadWholeClip(int64_t index);

 private:
  class Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_DATASET_H_
