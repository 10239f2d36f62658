// The folder of a training run: its files and who may write them.
//
//   config.textproto               the effective config
//   checkpoints/step-*.safetensors, best.safetensors
//   losses.csv                     every step's losses
//   timing.csv                     every step's time
//   events/                        the same and pictures, for TensorBoard
//   initial_weights.txt            what training.initial_weights gave
//   pictures/epoch-*.png           strips, see report/visualize.h
//   evaluation.json, evaluation.txt
//   evaluation/*.png                worst frames, cross-identity sheet
//   animation.mp4
//   index.html                     shows it all
//   lock                           while a process trains, see file_lock.h
#ifndef PIPELINES_TRAINING_RUN_FOLDER_H_
#define PIPELINES_TRAINING_RUN_FOLDER_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/files/file_lock.h"

namespace pipelines {

class RunFolder {
 public:
  // Creates the folder if needed and takes its lock until destruction.
  // AlreadyExists, naming the file, if it holds no run, but a file that a run
  // would replace.
  // PermissionDenied if it cannot be written to; Unavailable, naming the
  // holder, if another process trains in it. A lock whose process is gone is
  // taken over. Half-written files of a session that was killed are removed.
  static absl::StatusOr<RunFolder> Open(const std::string& named);

  // Makes sure that the lock is still this process's, and takes it anew where
  // its file was deleted. Unavailable, naming the holder, if another process
  // has it by now: then nothing must be written any more.
  absl::Status KeepLock();

  RunFolder(RunFolder&&) = default;
  RunFolder& operator=(RunFolder&&) = default;

  // Without slashes at its end.
  const std::string& path() const { return path_; }
  std::string config() const { return path_ + "/config.textproto"; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }
  std::string losses() const { return path_ + "/losses.csv"; }
  std::string timing() const { return path_ + "/timing.csv"; }
  std::string events() const { return path_ + "/events"; }
  std::string initial_weights() const { return path_ + "/initial_weights.txt"; }
  std::string animation() const { return path_ + "/animation.mp4"; }

 private:
  RunFolder(std::string path, networks::files::FileLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  networks::files::FileLock lock_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_RUN_FOLDER_H_
