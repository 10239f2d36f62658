// Zip archives of a job's frames: written as they come, and read in order.
#ifndef TOOLS_STUDIO_JOBS_ZIP_FILE_H_
#define TOOLS_STUDIO_JOBS_ZIP_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace studio {

// "000007.png": of frame 7 in such an archive.
std::string FrameFileName(int64_t index);

// Writes an archive that appears under its name when it is whole. Equal
// contents give equal files. One thread at a time.
class ZipWriter {
 public:
  // The system's error where the folder cannot be written.
  static absl::StatusOr<std::unique_ptr<ZipWriter>> Create(
      const std::string& path);
  ~ZipWriter();

  // Adds a file, which is stored as it is: pictures are compressed already.
  // ResourceExhausted on a full disk.
  absl::Status Add(const std::string& name, absl::string_view content);

  // Without it nothing is left.
  absl::Status Finish();

 private:
  class Impl;
  explicit ZipWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One thread at a time.
class ZipReader {
 public:
  // DataLoss for what is not there or no zip archive.
  static absl::StatusOr<std::unique_ptr<ZipReader>> Open(
      const std::string& path);
  ~ZipReader();

  // The content of the next file; empty after the last one, however often it is
  // asked for. DataLoss where the archive is damaged, or a file has more than
  // `max_bytes`.
  absl::StatusOr<std::optional<std::string>> Next(size_t max_bytes);

 private:
  class Impl;
  explicit ZipReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_ZIP_FILE_H_
