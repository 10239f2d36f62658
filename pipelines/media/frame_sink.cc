#include "pipelines/media/frame_sink.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/media/file_io.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// The files of a folder without subfolders, and the folder.
void RemoveFolder(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(path);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    unlink(absl::StrCat(path, "/", name).c_str());
  }
  rmdir(path.c_str());
}

class FolderSink : public FrameSink {
 public:
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(
      const std::string& path, const std::string& comment) {
    if (access(path.c_str(), F_OK) == 0) {
      return absl::AlreadyExistsError(absl::StrCat(
          path, " exists; frames are only written into a new folder"));
    }
    const std::string partial = PartialPath(path);
    RemoveFolder(partial);  // of a run that was killed
    if (mkdir(partial.c_str(), 0777) != 0) {
      return absl::ErrnoToStatus(errno, path);
    }
    return std::unique_ptr<FrameSink>(new FolderSink(path, comment));
  }

  ~FolderSink() override {
    if (!finished_) RemoveFolder(PartialPath(path_));
  }

  absl::Status Write(const cv::Mat& rgb) override {
    return WriteImage(
        absl::StrFormat("%s/%06d.png", PartialPath(path_), num_written_++), rgb,
        comment_);
  }

  // Images have no times.
  absl::Status WriteAt(const cv::Mat& rgb, int64_t, int64_t) override {
    return Write(rgb);
  }

  absl::Status Finish() override {
    if (num_written_ == 0) {
      return absl::FailedPreconditionError(path_ + ": no frame was written");
    }
    if (rename(PartialPath(path_).c_str(), path_.c_str()) != 0) {
      return absl::ErrnoToStatus(errno, path_);
    }
    finished_ = true;
    return absl::OkStatus();
  }

  const std::vector<std::string>& warnings() const override {
    return warnings_;
  }

 private:
  FolderSink(std::string path, std::string comment)
      : path_(std::move(path)), comment_(std::move(comment)) {}

  const std::string path_;
  const std::string comment_;
  const std::vector<std::string> warnings_;
  int num_written_ = 0;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSink>> OpenFrameSink(
    const std::string& path, const VideoWriterOptions& options) {
  if (path.empty()) return absl::InvalidArgumentError("no output is named");
  const bool is_folder =
      path.back() == '/' || BaseName(path).find('.') == std::string::npos;
  if (is_folder)
    return FolderSink::Create(WithoutSlashes(path), options.comment);
  return VideoWriter::Create(path, options);
}

}  // namespace pipelines::data
