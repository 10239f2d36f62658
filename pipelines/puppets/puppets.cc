#include "pipelines/puppets/puppets.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/atomic_folder.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/plain_text.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/base/caught_exception.h"
#include "pipelines/base/joined_threads.h"
#include "pipelines/base/random.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/npy.h"
#include "pipelines/puppets/scene.h"
#include "pipelines/puppets/truth.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::puppets {
namespace {

using networks::files::AtomicFolder;
using networks::files::MakeFolder;

// Raised whenever the same options give other pictures than before, so that no
// older data set is taken for a newer one.
constexpr int kVersion = 1;

constexpr char kManifest[] = "manifest.json";

// A clip is a picture of frames side by side, and has to be readable: 3 bytes a
// pixel. With at most 1000 frames it is never as wide as libpng's limit.
constexpr int kMaxClipPixels = static_cast<int>(media::kMaxImageBytes / 3);

// Another process that makes the same set may be at it for so long.
constexpr std::chrono::hours kWaitForAnother(1);

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

std::string ClipPng(const puppets::Scene& scene, int num_frames) {
  std::vector<cv::Mat> frames;
  for (int frame = 0; frame < num_frames; ++frame) {
    frames.push_back(scene.Render(frame));
  }
  cv::Mat row;
  cv::hconcat(frames, row);
  cv::cvtColor(row, row, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> png;
  cv::imencode(".png", row, png, {cv::IMWRITE_PNG_COMPRESSION, 2});
  return std::string(png.begin(), png.end());
}

std::string FlowNpy(const puppets::Truth& truth, int size) {
  const auto num_frames = static_cast<int>(truth.frames.size());
  std::string bytes = media::NpyHeader("<f2", {num_frames, size, size, 3});
  for (int driving = 0; driving < num_frames; ++driving) {
    cv::Mat flow;
    puppets::SourceFromDriving(truth, 0, driving, size).convertTo(flow, CV_16F);
    bytes.append(reinterpret_cast<const char*>(flow.data),
                 flow.total() * flow.elemSize());
  }
  return bytes;
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

absl::Status MakeClip(const AtomicFolder& folder, const PuppetOptions& options,
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
  RETURN_IF_ERROR(
      folder.Write(absl::StrCat(place.split(), "/", place.name(), ".png"),
                   ClipPng(scene, options.frames_per_clip)));
  const std::string truth =
      absl::StrCat("truth/", place.split(), "/", place.name());
  RETURN_IF_ERROR(MakeFolder(folder.temporary_path() + "/" + truth));
  for (const puppets::TruthFile& file : puppets::TruthFiles(scene.truth())) {
    RETURN_IF_ERROR(folder.Write(truth + "/" + file.name, file.content));
  }
  if (!options.write_flow) return absl::OkStatus();
  return folder.Write(truth + "/flow.npy",
                      FlowNpy(scene.truth(), options.size));
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
  // the making; calls `hooks` meanwhile.
  absl::Status Wait(const WorkHooks& hooks) {
    std::unique_lock<std::mutex> lock(mutex_);
    int reported = 0;
    while (true) {
      changed_.wait(lock, [&] { return done_ > reported; });
      reported = done_;
      lock.unlock();
      hooks.Report({"puppets", "clips", reported, total_, ""});
      const absl::Status stopped = CheckNotStopped(hooks);
      lock.lock();
      if (done_ < total_) status_.Update(stopped);
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

absl::Status MakeClips(const AtomicFolder& folder, const PuppetOptions& options,
                       const WorkHooks& hooks) {
  RETURN_IF_ERROR(CheckNotStopped(hooks));
  ClipQueue queue(options.num_train + options.num_test);
  CaughtException caught;
  JoinedThreads threads;
  RETURN_IF_ERROR(
      threads.Start(std::max(1u, std::thread::hardware_concurrency()), [&] {
        for (int index; queue.Take(index);) {
          queue.Finish(caught.StatusOf(
              [&] { return MakeClip(folder, options, index); }));
        }
      }));
  const absl::Status status = queue.Wait(hooks);
  threads.Join();
  caught.Rethrow();
  return status;
}

absl::Status HoldsOtherThings(const std::string& folder) {
  return absl::AlreadyExistsError(absl::StrCat(
      folder,
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
  RETURN_IF_ERROR(CheckRange("size * size * frames_per_clip",
                             o.size * o.size * o.frames_per_clip, 512,
                             kMaxClipPixels));
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
  const absl::StatusOr<std::string> text =
      networks::files::ReadFile(folder + "/" + kManifest);
  // Windows may have saved it.
  return text.ok() &&
         networks::files::PlainText(*text) == ManifestText(options);
}

absl::Status MakePuppets(const std::string& folder,
                         const PuppetOptions& options, const WorkHooks& hooks) {
  RETURN_IF_ERROR(ValidatePuppetOptions(options));
  if (HasPuppets(folder, options)) return absl::OkStatus();
  RETURN_IF_ERROR(MakeFolder(networks::files::FolderOf(folder)));
  networks::files::OutputOptions output;
  output.wait = kWaitForAnother;
  output.stop = hooks.stop;
  absl::StatusOr<AtomicFolder> made = AtomicFolder::Create(folder, output);
  if (absl::IsAlreadyExists(made.status())) return HoldsOtherThings(folder);
  RETURN_IF_ERROR(made.status());
  // The process that was waited for has made the same.
  if (HasPuppets(folder, options)) return absl::OkStatus();
  RETURN_IF_ERROR(MakeFolder(made->temporary_path() + "/train"));
  RETURN_IF_ERROR(MakeFolder(made->temporary_path() + "/test"));
  RETURN_IF_ERROR(MakeClips(*made, options, hooks));
  RETURN_IF_ERROR(made->Write(kManifest, ManifestText(options)));
  return made->Commit();
}

}  // namespace pipelines::puppets
