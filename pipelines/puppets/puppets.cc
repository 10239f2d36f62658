#include "pipelines/puppets/puppets.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/base/random.h"
#include "pipelines/media/npy.h"
#include "pipelines/puppets/scene.h"
#include "pipelines/puppets/truth.h"
#include "pipelines/puppets/write_bytes.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

namespace fs = std::filesystem;

// Raised whenever the same options give other pictures than before, so that no
// older data set is taken for a newer one.
constexpr int kVersion = 1;

constexpr char kManifest[] = "manifest.json";

absl::Status CheckRange(absl::string_view field, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "puppets: ", field, " is ", value, "; use ", low, " to ", high));
}

std::string ManifestText(const PuppetOptions& o) {
  return absl::StrFormat(
      "{\n  \"maker\": \"puppets\",\n  \"version\": %d,\n  \"size\": %d,\n"
      "  \"num_train\": %d,\n  \"num_test\": %d,\n"
      "  \"frames_per_clip\": %d,\n  \"seed\": %u,\n"
      "  \"camera_motion\": %s,\n  \"write_flow\": %s,\n"
      "  \"supersampling\": %d\n}\n",
      kVersion, o.size, o.num_train, o.num_test, o.frames_per_clip, o.seed,
      o.camera_motion ? "true" : "false", o.write_flow ? "true" : "false",
      o.supersampling);
}

absl::Status MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? puppets::FileError(path.string(), "cannot make the folder",
                                    error)
               : absl::OkStatus();
}

absl::Status WriteClip(const fs::path& path, const puppets::Scene& scene,
                       int num_frames) {
  std::vector<cv::Mat> frames;
  for (int frame = 0; frame < num_frames; ++frame) {
    frames.push_back(scene.Render(frame));
  }
  cv::Mat row;
  cv::hconcat(frames, row);
  cv::cvtColor(row, row, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> png;
  cv::imencode(".png", row, png, {cv::IMWRITE_PNG_COMPRESSION, 2});
  return puppets::WriteBytes(path.string(),
                             {reinterpret_cast<char*>(png.data()), png.size()});
}

absl::Status WriteFlow(const fs::path& path, const puppets::Truth& truth,
                       int size) {
  const auto num_frames = static_cast<int>(truth.frames.size());
  std::string bytes = NpyHeader("<f2", {num_frames, size, size, 3});
  for (int driving = 0; driving < num_frames; ++driving) {
    cv::Mat flow;
    puppets::SourceFromDriving(truth, 0, driving, size).convertTo(flow, CV_16F);
    bytes.append(reinterpret_cast<const char*>(flow.data),
                 flow.total() * flow.elemSize());
  }
  return puppets::WriteBytes(path.string(), bytes);
}

// Clip `index` of the data set: the training clips first, then the test clips.
struct ClipPlace {
  bool train;
  int number;

  std::string split() const { return train ? "train" : "test"; }
  std::string name() const { return absl::StrFormat("%05d", number); }
};

ClipPlace PlaceOf(int index, const PuppetOptions& options) {
  const bool train = index < options.num_train;
  return {train, train ? index : index - options.num_train};
}

absl::Status MakeClip(const fs::path& folder, const PuppetOptions& options,
                      int index) {
  const ClipPlace place = PlaceOf(index, options);
  puppets::SceneOptions scene_options;
  scene_options.size = options.size;
  scene_options.num_frames = options.frames_per_clip;
  scene_options.supersampling = options.supersampling;
  scene_options.camera_motion = options.camera_motion;
  // A stream for each clip of each split: more clips leave the others as they
  // were.
  const puppets::Scene scene(scene_options,
                             Random({options.seed, place.train ? 0u : 1u,
                                     static_cast<uint64_t>(place.number)}));
  RETURN_IF_ERROR(WriteClip(folder / place.split() / (place.name() + ".png"),
                            scene, options.frames_per_clip));
  const fs::path truth_folder = folder / "truth" / place.split() / place.name();
  RETURN_IF_ERROR(MakeFolder(truth_folder));
  RETURN_IF_ERROR(puppets::WriteTruth(truth_folder.string(), scene.truth()));
  if (!options.write_flow) return absl::OkStatus();
  return WriteFlow(truth_folder / "flow.npy", scene.truth(), options.size);
}

// Hands clip numbers to threads and collects what becomes of them.
class ClipQueue {
 public:
  explicit ClipQueue(int total) : total_(total) {}

  // The next clip to make; none after the last one or an error.
  bool Take(int& index) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (next_ == total_ || !status_.ok()) return false;
    index = next_++;
    return true;
  }

  void Finish(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    status_.Update(status);
    changed_.notify_one();
  }

  // Returns when all clips are made, or the first error and no clip is left in
  // the making; reports progress meanwhile.
  absl::Status Wait(const PuppetProgress& progress) {
    std::unique_lock<std::mutex> lock(mutex_);
    int reported = 0;
    while (true) {
      changed_.wait(lock, [&] { return done_ > reported; });
      reported = done_;
      if (progress) {
        lock.unlock();
        progress(reported, total_);
        lock.lock();
      }
      if (done_ == total_ || (!status_.ok() && done_ == next_)) return status_;
    }
  }

 private:
  const int total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int next_ = 0;
  int done_ = 0;
  absl::Status status_;
};

absl::Status MakeClips(const fs::path& folder, const PuppetOptions& options,
                       const PuppetProgress& progress) {
  ClipQueue queue(options.num_train + options.num_test);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency());
       ++i) {
    threads.emplace_back([&] {
      for (int index; queue.Take(index);) {
        queue.Finish(MakeClip(folder, options, index));
      }
    });
  }
  const absl::Status status = queue.Wait(progress);
  for (std::thread& thread : threads) thread.join();
  return status;
}

// `folder` is not there, or an empty folder, over which one can be renamed.
absl::Status CheckIsFree(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return absl::OkStatus();
  if (fs::is_directory(status) && fs::is_empty(folder, error) && !error) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(absl::StrCat(
      folder.string(),
      ": holds something other than this data set; name another folder or "
      "remove it"));
}

}  // namespace

absl::Status ValidatePuppetOptions(const PuppetOptions& o) {
  RETURN_IF_ERROR(CheckRange("size", o.size, 16, 1024));
  RETURN_IF_ERROR(CheckRange("num_train", o.num_train, 0, 100000));
  RETURN_IF_ERROR(CheckRange("num_test", o.num_test, 0, 100000));
  RETURN_IF_ERROR(
      CheckRange("num_train + num_test", o.num_train + o.num_test, 1, 200000));
  RETURN_IF_ERROR(CheckRange("frames_per_clip", o.frames_per_clip, 2, 1000));
  return CheckRange("supersampling", o.supersampling, 1, 8);
}

std::string PuppetSetName(const PuppetOptions& o) {
  std::string name =
      absl::StrFormat("puppets%d-%d-%d+%dx%d-seed%u", kVersion, o.size,
                      o.num_train, o.num_test, o.frames_per_clip, o.seed);
  if (o.camera_motion) absl::StrAppend(&name, "-camera");
  if (o.write_flow) absl::StrAppend(&name, "-flow");
  if (o.supersampling != PuppetOptions().supersampling) {
    absl::StrAppend(&name, "-ss", o.supersampling);
  }
  return name;
}

bool HasPuppets(const std::string& folder, const PuppetOptions& options) {
  std::ifstream file(fs::path(folder) / kManifest, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)),
                         std::istreambuf_iterator<char>());
  return file.is_open() && text == ManifestText(options);
}

absl::Status MakePuppets(const std::string& folder,
                         const PuppetOptions& options,
                         const PuppetProgress& progress) {
  RETURN_IF_ERROR(ValidatePuppetOptions(options));
  if (HasPuppets(folder, options)) return absl::OkStatus();
  // "data/" and "data" are one folder, with the same neighbour.
  fs::path target = fs::path(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  RETURN_IF_ERROR(CheckIsFree(target));
  const fs::path temporary =
      absl::StrCat(target.string(), ".partial-", getpid());
  const absl::Cleanup remove_temporary = [&] {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
  };
  RETURN_IF_ERROR(MakeFolder(temporary / "train"));
  RETURN_IF_ERROR(MakeFolder(temporary / "test"));
  RETURN_IF_ERROR(MakeClips(temporary, options, progress));
  RETURN_IF_ERROR(puppets::WriteBytes((temporary / kManifest).string(),
                                      ManifestText(options)));
  std::error_code error;
  fs::rename(temporary, target, error);
  // Another process may have made the same in the meantime.
  if (error && !HasPuppets(folder, options)) {
    return puppets::FileError(target.string(), "cannot rename to it", error);
  }
  return absl::OkStatus();
}

}  // namespace pipelines::data
