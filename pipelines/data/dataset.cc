#include "pipelines/data/dataset.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "networks/files/system_error.h"
#include "pipelines/base/random.h"
#include "pipelines/data/clip_cache.h"
#include "pipelines/data/clip_index.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

// Names the streams of random numbers that share a seed.
enum Stream : uint64_t { kOrderStream = 1, kSampleStream = 2 };

// Redraws after damaged clips; max_bad_share ends the run long before.
constexpr int kMaxDraws = 1000;

// What may not be looked up is not taken for missing.
absl::StatusOr<bool> IsFolder(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode);
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return networks::files::SystemError(errno, path, "look up this folder");
}

absl::Status CheckLayout(const DatasetOptions& options) {
  ASSIGN_OR_RETURN(const bool has_root, IsFolder(options.root));
  if (!has_root) {
    return absl::NotFoundError(
        absl::StrCat("there is no dataset folder ", options.root));
  }
  const std::string folder = absl::StrCat(options.root, "/", options.split);
  ASSIGN_OR_RETURN(const bool has_split, IsFolder(folder));
  if (!has_split) {
    return absl::NotFoundError(absl::StrCat(
        options.root, " is not a dataset: it has no folder ", options.split,
        "/ (a dataset holds its clips in train/ and test/)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<cv::Size> CommonSize(const std::vector<IndexedClip>& clips) {
  const IndexedClip& first = clips.front();
  for (const IndexedClip& clip : clips) {
    if (clip.info.size == first.info.size) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "clips differ in size: ", first.path, " has ", first.info.size.width,
        "x", first.info.size.height, " pixels, ", clip.path, " ",
        clip.info.size.width, "x", clip.info.size.height,
        "; set an image size to resize them"));
  }
  return first.info.size;
}

// What an epoch visits: each a list of clips of which one is drawn.
std::vector<std::vector<int64_t>> Groups(const std::vector<IndexedClip>& clips,
                                         bool id_sampling) {
  std::map<std::string, std::vector<int64_t>> by_name;
  for (size_t i = 0; i < clips.size(); ++i) {
    by_name[id_sampling ? clips[i].identity : clips[i].path].push_back(
        static_cast<int64_t>(i));
  }
  std::vector<std::vector<int64_t>> groups;
  for (auto& [name, members] : by_name) groups.push_back(std::move(members));
  return groups;
}

// The frames that the two of a pair of `epoch` may be apart, in a clip of
// `num_frames`.
int MaxDistance(const FrameDistanceOptions& distance, int64_t epoch,
                int num_frames) {
  if (distance.start == 0) return num_frames;
  const double limit = distance.start * std::exp2(static_cast<double>(epoch) /
                                                  distance.doubling_epochs);
  return static_cast<int>(std::min<double>(limit, num_frames));
}

}  // namespace

absl::Status Validate(const DatasetOptions& options) {
  if (options.split != "train" && options.split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("split is '", options.split, "'; use 'train' or 'test'"));
  }
  if (options.image_size && options.image_size->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("image_size is ", options.image_size->width, "x",
                     options.image_size->height, "; both must be positive"));
  }
  if (options.repeats < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "repeats is ", options.repeats, "; it must be at least 1"));
  }
  if (options.frame_distance.start < 0 ||
      !(options.frame_distance.doubling_epochs > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("frame_distance is ", options.frame_distance.start,
                     ", doubled in ", options.frame_distance.doubling_epochs,
                     " epochs; use at least 0, and more than 0 epochs"));
  }
  if (options.cache_bytes < 0) {
    return absl::InvalidArgumentError("cache_bytes must not be negative");
  }
  if (!(options.max_bad_share >= 0 && options.max_bad_share <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_bad_share is ", options.max_bad_share, "; use 0 to 1"));
  }
  return Validate(options.augmentation);
}

class Dataset::Impl {
 public:
  explicit Impl(DatasetOptions options)
      : options_(std::move(options)), cache_(options_.cache_bytes) {}

  absl::Status Open();

  int64_t size() const {
    return static_cast<int64_t>(groups_.size()) * options_.repeats;
  }
  cv::Size image_size() const { return image_size_; }
  const std::vector<IndexedClip>& clips() const { return clips_; }
  std::vector<BadClip> bad_clips() const;

  absl::StatusOr<Sample> Get(int64_t epoch, int64_t position);
  absl::StatusOr<std::shared_ptr<const Clip>> ReadWholeClip(int64_t index);
  absl::Status SetAside(int64_t index, const absl::Status& reason);

 private:
  absl::StatusOr<Sample> ReadPair(int64_t index, int64_t epoch, Random& random);
  absl::StatusOr<std::vector<cv::Mat>> ReadFrames(int64_t index, int first,
                                                  int second);
  bool IsBad(int64_t index) const;
  absl::Status CheckBadShare() const;
  ClipOptions clip_options() const;

  const DatasetOptions options_;
  std::vector<IndexedClip> clips_;
  std::vector<std::vector<int64_t>> groups_;
  cv::Size image_size_;
  ClipCache cache_;

  mutable std::mutex mutex_;  // guards the rest
  std::vector<BadClip> bad_;
  std::vector<bool> is_bad_;  // by clip
};

absl::Status Dataset::Impl::Open() {
  RETURN_IF_ERROR(Validate(options_));
  RETURN_IF_ERROR(CheckLayout(options_));
  ASSIGN_OR_RETURN(ClipIndex index, IndexClips(options_));
  clips_ = std::move(index.clips);
  bad_ = std::move(index.bad);
  is_bad_.resize(clips_.size(), false);
  RETURN_IF_ERROR(CheckBadShare());
  if (options_.image_size) {
    image_size_ = *options_.image_size;
  } else {
    ASSIGN_OR_RETURN(image_size_, CommonSize(clips_));
  }
  groups_ = Groups(clips_, options_.id_sampling);
  return absl::OkStatus();
}

std::vector<BadClip> Dataset::Impl::bad_clips() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return bad_;
}

bool Dataset::Impl::IsBad(int64_t index) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return is_bad_[static_cast<size_t>(index)];
}

absl::Status Dataset::Impl::SetAside(int64_t index,
                                     const absl::Status& reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!is_bad_[static_cast<size_t>(index)]) {
    is_bad_[static_cast<size_t>(index)] = true;
    bad_.push_back({clips_[static_cast<size_t>(index)].path,
                    std::string(reason.message())});
  }
  return CheckBadShare();
}

// With mutex_ held, or before there are other threads.
absl::Status Dataset::Impl::CheckBadShare() const {
  const size_t damaged_inside =
      static_cast<size_t>(std::count(is_bad_.begin(), is_bad_.end(), true));
  std::vector<std::string> reasons;
  for (const BadClip& clip : bad_) {
    if (clip.counts) reasons.push_back(clip.reason);
  }
  const size_t num_bad = reasons.size();
  const size_t num_all = clips_.size() + num_bad - damaged_inside;
  if (num_bad < num_all &&
      static_cast<double>(num_bad) <=
          options_.max_bad_share * static_cast<double>(num_all)) {
    return absl::OkStatus();
  }
  std::string message = absl::StrCat(
      num_bad, " of the ", num_all, " clips in ", options_.root, "/",
      options_.split, " cannot be read; data.max_bad_share allows a share of ",
      options_.max_bad_share, ". The first: ");
  constexpr size_t kShown = 3;
  for (size_t i = 0; i < std::min(kShown, num_bad); ++i) {
    absl::StrAppend(&message, i > 0 ? "; " : "", reasons[i]);
  }
  return absl::FailedPreconditionError(message);
}

ClipOptions Dataset::Impl::clip_options() const {
  ClipOptions options;
  options.size = image_size_;
  return options;
}

absl::StatusOr<Sample> Dataset::Impl::Get(int64_t epoch, int64_t position) {
  const uint64_t seed = options_.seed;
  const auto key = static_cast<uint64_t>(epoch);
  const RandomOrder order(size(), {seed, kOrderStream, key});
  size_t group = static_cast<size_t>(order[position]) % groups_.size();
  Random random({seed, kSampleStream, key, static_cast<uint64_t>(position)});
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const std::vector<int64_t>& members = groups_[group];
    const int64_t index = members[static_cast<size_t>(
        random.Below(static_cast<int64_t>(members.size())))];
    absl::StatusOr<Sample> sample = ReadPair(index, epoch, random);
    if (sample.ok()) {
      sample->frames = Augment(sample->frames, options_.augmentation, random);
      return sample;
    }
    RETURN_IF_ERROR(SetAside(index, sample.status()));
    group =
        static_cast<size_t>(random.Below(static_cast<int64_t>(groups_.size())));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("no readable clip in ", kMaxDraws, " draws from ",
                   options_.root, "/", options_.split));
}

absl::StatusOr<Sample> Dataset::Impl::ReadPair(int64_t index, int64_t epoch,
                                               Random& random) {
  const IndexedClip& clip = clips_[static_cast<size_t>(index)];
  const int num_frames = clip.info.num_frames;
  const int limit = MaxDistance(options_.frame_distance, epoch, num_frames);
  int first = static_cast<int>(random.Below(num_frames));
  const int begin = std::max(first - limit, 0);
  const int end = std::min(first + limit + 1, num_frames);
  int second = begin + static_cast<int>(random.Below(end - begin));
  if (first > second) std::swap(first, second);
  ASSIGN_OR_RETURN(std::vector<cv::Mat> frames,
                   ReadFrames(index, first, second));
  return Sample{
      {std::move(frames[0]), std::move(frames[1])}, clip.name, first, second};
}

absl::StatusOr<std::vector<cv::Mat>> Dataset::Impl::ReadFrames(int64_t index,
                                                               int first,
                                                               int second) {
  const IndexedClip& clip = clips_[static_cast<size_t>(index)];
  const int64_t num_bytes =
      int64_t{clip.info.num_frames} * image_size_.area() * 3;
  const bool random_access = clip.info.random_access;
  const auto read_two = [&] {
    return ReadClipFrames(clip.path, {first, second}, clip_options());
  };
  // Whole clips are worth keeping only if the cache can hold them; and of a
  // folder of images two can be read without the others.
  if (random_access && num_bytes > options_.cache_bytes / 8) return read_two();
  // Saves decoding it again. Of a folder, where an error depends on the frames,
  // this would let earlier calls change the result.
  if (!random_access && IsBad(index)) {
    return absl::DataLossError("the clip was set aside");
  }
  const absl::StatusOr<std::shared_ptr<const Clip>> whole =
      ReadWholeClip(index);
  // Damage of another frame counts as little as where the cache is small.
  if (!whole.ok() && random_access) return read_two();
  RETURN_IF_ERROR(whole.status());
  return std::vector<cv::Mat>{(*whole)->frames[static_cast<size_t>(first)],
                              (*whole)->frames[static_cast<size_t>(second)]};
}

absl::StatusOr<std::shared_ptr<const Clip>> Dataset::Impl::ReadWholeClip(
    int64_t index) {
  if (std::shared_ptr<const Clip> cached = cache_.Find(index)) return cached;
  const IndexedClip& clip = clips_[static_cast<size_t>(index)];
  ASSIGN_OR_RETURN(Clip read, ReadClip(clip.path, clip_options()));
  if (static_cast<int>(read.frames.size()) != clip.info.num_frames) {
    return absl::DataLossError(
        absl::StrCat(clip.path, " has ", read.frames.size(), " frames, it had ",
                     clip.info.num_frames, " when the dataset was opened"));
  }
  auto shared = std::make_shared<const Clip>(std::move(read));
  cache_.Insert(index, shared);
  return shared;
}

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::~Dataset() = default;

absl::StatusOr<std::unique_ptr<Dataset>> Dataset::Open(
    const DatasetOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<Dataset>(new Dataset(std::move(impl)));
}

int64_t Dataset::size() const { return impl_->size(); }
cv::Size Dataset::image_size() const { return impl_->image_size(); }
const std::vector<IndexedClip>& Dataset::clips() const {
  return impl_->clips();
}
std::string InWords(const Sample& sample) {
  return absl::StrCat(sample.name, " frames ", sample.first_frame, " and ",
                      sample.second_frame);
}

std::string LeftOut(const BadClip& clip) {
  absl::string_view reason = clip.reason;
  if (!absl::ConsumePrefix(&reason, clip.path + ": ")) {
    absl::ConsumePrefix(&reason, clip.path + " ");
  }
  return absl::StrCat("left out ", clip.path, ": ", reason);
}

std::vector<BadClip> Dataset::bad_clips() const { return impl_->bad_clips(); }
absl::StatusOr<Sample> Dataset::Get(int64_t epoch, int64_t position) {
  return impl_->Get(epoch, position);
}
absl::Status Dataset::SetAside(int64_t index, const absl::Status& reason) {
  return impl_->SetAside(index, reason);
}
absl::StatusOr<std::shared_ptr<const Clip>> Dataset::ReadWholeClip(
    int64_t index) {
  return impl_->ReadWholeClip(index);
}

}  // namespace pipelines::data
