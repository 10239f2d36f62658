// Reads files below a folder of which nothing is trusted.
//
// Every name is one part of a path and is opened from the folder above it
// without following symbolic links, so no name leads out of the root, also
// where somebody replaces a folder by a link meanwhile. Only regular files are
// opened: a pipe does not block, a device is not read.
#ifndef TOOLS_STUDIO_RUNS_SAFE_FOLDER_H_
#define TOOLS_STUDIO_RUNS_SAFE_FOLDER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace studio {

// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  int number() const { return number_; }

 private:
  int number_;  // -1: none
};

struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
};
inline bool operator==(const FileIdentity& a, const FileIdentity& b) {
  return a.device == b.device && a.inode == b.inode;
}

class SafeFile {
 public:
  SafeFile(Descriptor descriptor, FileIdentity identity, int64_t size,
           int64_t modified)
      : descriptor_(std::move(descriptor)),
        identity_(identity),
        size_(size),
        modified_(modified) {}

  FileIdentity identity() const { return identity_; }
  int64_t size() const { return size_; }          // when it was opened
  int64_t modified() const { return modified_; }  // seconds since 1970

  // At most `max_bytes` from `offset` on: fewer at the end, or if the file was
  // cut meanwhile.
  absl::StatusOr<std::string> Read(int64_t offset, int64_t max_bytes) const;

 private:
  Descriptor descriptor_;
  FileIdentity identity_;
  int64_t size_;
  int64_t modified_;
};

class SafeFolder {
 public:
  // The root, which is the user's own choice: links are followed. NotFound,
  // PermissionDenied, FailedPrecondition (no folder).
  static absl::StatusOr<SafeFolder> Open(const std::string& path);

  // The folder `name` in this one. InvalidArgument unless `name` is one part of
  // a path; NotFound if it is not there; FailedPrecondition for what is no
  // folder, or a link.
  absl::StatusOr<SafeFolder> Enter(absl::string_view name) const;

  // The regular file `name` in this folder. Errors as of Enter.
  absl::StatusOr<SafeFile> OpenFile(absl::string_view name) const;

  // All of a file. FailedPrecondition if it has more than `max_bytes`.
  absl::StatusOr<std::string> ReadFile(absl::string_view name,
                                       int64_t max_bytes) const;

  // Whether OpenFile finds something.
  bool HasFile(absl::string_view name) const;

  // Whether `name` is the file of this identity, which is not opened.
  bool IsSameFile(absl::string_view name, FileIdentity identity) const;

  // Names in this folder without hidden ones (".x"), sorted by the numbers in
  // them, then by text: the last `max_names`, which of numbered files are the
  // newest. Of folders with more than 20000 names no more are read.
  absl::StatusOr<std::vector<std::string>> Names(int max_names) const;

 private:
  explicit SafeFolder(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  absl::StatusOr<Descriptor> OpenName(absl::string_view name, int flags) const;

  Descriptor descriptor_;
  std::string path_;  // for messages
};

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_SAFE_FOLDER_H_
