// The folder in which Studio keeps uploads and jobs.
//
//   DATA/studio.lock         held while a server uses the folder
//   DATA/uploads/ID/data     the bytes of an upload
//   DATA/uploads/ID/upload.json   its kind, time and facts
//   DATA/jobs/ID/            what jobs/ writes
//
// Every name is a random id that is made here (random_id.h): no path depends on
// what a client sends. An upload appears whole or not at all. What a killed
// server leaves in the making is removed when the folder is opened again.
//
// The quota is on the bytes of all uploads and jobs together. A file with
// several names, as an upload that jobs have taken, counts once. Who is about
// to write reserves the bytes first.
#ifndef TOOLS_STUDIO_STORE_STORE_H_
#define TOOLS_STUDIO_STORE_STORE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "networks/files/atomic_folder.h"
#include "networks/files/file_lock.h"

namespace studio {

// The ids of bundled inputs begin so; those of uploads are random and do not.
inline constexpr char kBundled[] = "bundled:";

// What a job can take as its input.
struct Input {
  std::string id;    // of NewId(), or "bundled:NAME"
  std::string kind;  // "image", "video" or "motion"
  std::string path;  // absolute
  int64_t bytes = 0;
  absl::Time created;  // of an upload
  absl::Time used;     // when a hold last ended, else when created
  std::string facts;   // JSON object of the decoder; "{}" of bundled ones
};

// An input that comes with the program.
struct BundledInput {
  std::string name;  // its id is kBundled and this
  std::string kind;
  std::string path;
};

struct StoreOptions {
  // Made if it is not there, for this user alone. One that is there, or that a
  // link leads to, must be empty or an earlier store.
  std::string folder;
  int64_t quota = int64_t{20} << 30;  // bytes
  int max_uploads = 1000;             // so that tiny ones have a limit, too
  std::vector<BundledInput> bundled;
  // What the user should know. May be empty.
  std::function<void(const std::string& warning)> warn;
};

class Store;

// Bytes that are counted as used while this lives. Movable.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();

  int64_t bytes() const { return bytes_; }

 private:
  friend class Store;
  Reservation(Store* store, int64_t bytes) : store_(store), bytes_(bytes) {}
  void Release();

  Store* store_ = nullptr;
  int64_t bytes_ = 0;
};

// Keeps an input from being removed while a copy of this lives.
using InputHold = std::shared_ptr<const Input>;

// An upload in the making. Without Publish nothing of it stays. Movable; one
// thread at a time.
class NewUpload {
 public:
  NewUpload(NewUpload&& other) noexcept;
  NewUpload& operator=(NewUpload&&) = delete;
  ~NewUpload();

  // Adds to the end. ResourceExhausted on a full disk, or beyond the bytes that
  // were reserved.
  absl::Status Append(absl::string_view bytes);

  // A descriptor of what has been written, at its beginning, for reading alone;
  // the caller closes it.
  absl::StatusOr<int> OpenForReading() const;

  const std::string& id() const { return input_.id; }
  int64_t bytes() const { return input_.bytes; }

  // Makes it an upload, with the facts that the decoder found.
  absl::StatusOr<Input> Publish(const std::string& facts);

 private:
  friend class Store;
  NewUpload(Store* store, Input input, networks::files::AtomicFolder folder,
            int descriptor, Reservation reservation);

  Store* store_;
  Input input_;
  networks::files::AtomicFolder folder_;
  int descriptor_ = -1;  // -1: moved from
  Reservation reservation_;
};

// Safe to use from many threads.
class Store {
 public:
  // Removes what a killed server left in the making, and counts the rest. An
  // upload that cannot be read is kept, with a warning; it is not found.
  //
  // Unavailable while another process uses the folder; FailedPrecondition if it
  // is neither empty nor a store, or others may write to it; the system's error
  // where a folder cannot be made or read.
  static absl::StatusOr<std::unique_ptr<Store>> Open(StoreOptions options);

  // Starts an upload of exactly `bytes` bytes. ResourceExhausted if the quota
  // or the disk has no room for them, or there are max_uploads already.
  absl::StatusOr<NewUpload> BeginUpload(const std::string& kind, int64_t bytes);

  // All uploads, the oldest first; all bundled inputs.
  std::vector<Input> Uploads() const;
  const std::vector<Input>& bundled() const { return bundled_; }

  // NotFound, also for what is no id at all.
  absl::StatusOr<Input> Find(absl::string_view id) const;

  // The same, and keeps it from removal. A use counts for the upload's age.
  absl::StatusOr<InputHold> Hold(absl::string_view id);

  // NotFound; FailedPrecondition while it is held.
  absl::Status RemoveUpload(absl::string_view id);

  // Removes the uploads that nobody has used since `time`. How many.
  int RemoveUploadsOlderThan(absl::Time time);

  // The folders of jobs, by id. MakeJobFolder makes a new one, with a new id.
  // The errors of listing the folder that they are in.
  absl::StatusOr<std::string> MakeJobFolder();
  absl::StatusOr<std::vector<std::string>> JobIds() const;
  std::string JobFolder(absl::string_view id) const;
  absl::Status RemoveJobFolder(absl::string_view id);

  // Counts the bytes of a job's folder anew, after it has changed.
  void CountJob(absl::string_view id);

  // ResourceExhausted, with the bytes used and allowed, if the quota has no
  // room. The reservation must not outlive the store.
  absl::StatusOr<Reservation> Reserve(int64_t bytes);

  // Bytes of uploads and jobs; those and what is reserved.
  int64_t stored() const;
  int64_t used() const;
  int64_t quota() const { return options_.quota; }
  // Bytes that an upload may have by what is free on the disk; the largest
  // number where the system does not tell.
  int64_t room_on_disk() const;

 private:
  friend class NewUpload;
  friend class Reservation;

  // Bytes of files by device and inode, which all names of a file share.
  using FileSizes = std::map<std::pair<dev_t, ino_t>, int64_t>;

  Store(StoreOptions options, networks::files::FileLock lock);
  static void AddFile(const std::string& path, FileSizes* sizes);
  static FileSizes FilesBelow(const std::string& folder);
  absl::Status Load();
  absl::Status CheckQuota(int64_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t StoredLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status LoadUpload(const std::string& id);
  void Release(int64_t bytes);
  // Turns `reservation` into the bytes of an upload.
  void AddUpload(const Input& input, Reservation* reservation);
  void EndHold(const std::string& id);
  std::string UploadFolder(absl::string_view id) const;

  const StoreOptions options_;
  networks::files::FileLock lock_;
  std::vector<Input> bundled_;

  mutable absl::Mutex mutex_;
  std::map<std::string, Input, std::less<>> uploads_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int, std::less<>> holds_ ABSL_GUARDED_BY(mutex_);
  // By the id of the upload or the job.
  std::map<std::string, FileSizes, std::less<>> files_ ABSL_GUARDED_BY(mutex_);
  int64_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_STORE_STORE_H_
