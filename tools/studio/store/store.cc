#include "tools/studio/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/store/random_id.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

using networks::files::AtomicFolder;
using networks::files::FileLock;
using networks::files::SystemError;
using nlohmann::json;

constexpr char kLock[] = "studio.lock";
constexpr char kData[] = "data";
constexpr char kUploadFile[] = "upload.json";
constexpr char kRemoved[] = ".removed-";

// What stays free on the disk: for logs, and for what others write meanwhile.
constexpr int64_t kSpareBytes = int64_t{64} << 20;

std::string Megabytes(int64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) * 1e-6);
}

// Hidden ones, too.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error) return SystemError(error, folder, "list this folder");
  std::sort(names.begin(), names.end());
  return names;
}

// Removes `folder`/`name` in two steps, the first of which is atomic: a server
// that is killed in the second one removes the rest when it starts again.
absl::Status RemoveWhole(const std::string& folder, const std::string& name) {
  const std::string path = absl::StrCat(folder, "/", name);
  const std::string removed = absl::StrCat(folder, "/", kRemoved, name);
  if (rename(path.c_str(), removed.c_str()) != 0) {
    return SystemError(errno, path, "remove");
  }
  std::error_code error;
  fs::remove_all(removed, error);
  return error ? SystemError(error, path, "remove") : absl::OkStatus();
}

absl::Status RemoveLeftovers(const std::string& folder) {
  networks::files::RemoveAbandoned(folder);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(folder));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kRemoved)) continue;
    std::error_code error;
    fs::remove_all(absl::StrCat(folder, "/", name), error);
  }
  return absl::OkStatus();
}

absl::Status LookAt(const std::string& path, struct stat* status) {
  return lstat(path.c_str(), status) == 0 ? absl::OkStatus()
                                          : SystemError(errno, path, "look at");
}

absl::Status NameAnotherFolder(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), "; give --data another folder"));
}

absl::Status MakePrivateFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return NameAnotherFolder(SystemError(errno, folder, "create the folder"));
  }
  struct stat status;
  // With a slash behind its name a link is followed.
  RETURN_IF_ERROR(
      LookAt(networks::files::WithoutTrailingSlashes(folder), &status));
  if (S_ISLNK(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is a symbolic link; put a folder in its place"));
  }
  if (!S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is no folder; name another one"));
  }
  if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH))) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder,
                     ": other users may write to this folder; choose one of "
                     "your own, or run: chmod 700 ",
                     folder));
  }
  return absl::OkStatus();
}

// So that files of somebody else are never taken for ours.
absl::Status CheckIsStoreOrEmpty(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(folder));
  for (const std::string& name : names) {
    if (name == "uploads" || name == "jobs" || name == kLock) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " holds other files, as ", name,
                     "; choose an empty folder, or a new one"));
  }
  return absl::OkStatus();
}

// The largest number where the system does not tell.
int64_t FreeBytes(const std::string& folder) {
  struct statvfs disk;
  if (statvfs(folder.c_str(), &disk) != 0) {
    return std::numeric_limits<int64_t>::max();
  }
  return static_cast<int64_t>(disk.f_bavail) *
         static_cast<int64_t>(disk.f_frsize);
}

absl::Status CheckDisk(const std::string& folder, int64_t bytes) {
  const int64_t free = FreeBytes(folder);
  if (bytes + kSpareBytes <= free) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk of ", folder, " has ", Megabytes(free), " left, and ",
      Megabytes(bytes + kSpareBytes), " are needed; free some space"));
}

absl::Status NoSuchInput() {
  return absl::NotFoundError("there is no upload with this id");
}

absl::Time TimeOf(const timespec& time) { return absl::TimeFromTimespec(time); }

}  // namespace

// --- Reservation

Reservation::Reservation(Reservation&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  Release();
  store_ = std::exchange(other.store_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Reservation::~Reservation() { Release(); }

void Reservation::Release() {
  if (store_) store_->Release(bytes_);
  store_ = nullptr;
  bytes_ = 0;
}

// --- NewUpload

NewUpload::NewUpload(Store* store, Input input, AtomicFolder folder,
                     int descriptor, Reservation reservation)
    : store_(store),
      input_(std::move(input)),
      folder_(std::move(folder)),
      descriptor_(descriptor),
      reservation_(std::move(reservation)) {}

NewUpload::NewUpload(NewUpload&& other) noexcept
    : store_(other.store_),
      input_(std::move(other.input_)),
      folder_(std::move(other.folder_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      reservation_(std::move(other.reservation_)) {}

NewUpload::~NewUpload() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status NewUpload::Append(absl::string_view bytes) {
  if (input_.bytes + static_cast<int64_t>(bytes.size()) >
      reservation_.bytes()) {
    return absl::ResourceExhaustedError(
        "the upload is longer than it was said to be");
  }
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(errno, "the upload", "write");
    input_.bytes += written;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> NewUpload::OpenForReading() const {
  const std::string path = absl::StrCat(folder_.temporary_path(), "/", kData);
  const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return SystemError(errno, "the upload", "open");
  return file;
}

absl::StatusOr<Input> NewUpload::Publish(const std::string& facts) {
  input_.facts = facts;
  const json description = {
      {"kind", input_.kind},
      {"created", absl::FormatTime(absl::RFC3339_full, input_.created,
                                   absl::UTCTimeZone())},
      {"facts", json::parse(facts, nullptr, /*allow_exceptions=*/false)}};
  RETURN_IF_ERROR(folder_.Write(kUploadFile, description.dump()));
  RETURN_IF_ERROR(folder_.Commit());
  store_->AddUpload(input_, &reservation_);
  return input_;
}

// --- Store

absl::StatusOr<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  // Where it is a link, what that leads to now: checks and use are of one
  // folder, wherever the link leads later.
  std::error_code error;
  const fs::path real = fs::canonical(options.folder, error);
  if (!error) options.folder = real.string();
  const std::string& folder = options.folder;
  RETURN_IF_ERROR(NameAnotherFolder(
      networks::files::MakeFolder(networks::files::FolderOf(folder))));
  RETURN_IF_ERROR(MakePrivateFolder(folder));
  RETURN_IF_ERROR(CheckIsStoreOrEmpty(folder));
  networks::files::LockOptions lock_options;
  lock_options.subject = folder;
  lock_options.doing =
      "uses this folder for Studio; give --data another folder";
  ASSIGN_OR_RETURN(
      FileLock lock,
      FileLock::Take(absl::StrCat(folder, "/", kLock), lock_options));
  std::unique_ptr<Store> store(new Store(std::move(options), std::move(lock)));
  RETURN_IF_ERROR(store->Load());
  return store;
}

Store::Store(StoreOptions options, FileLock lock)
    : options_(std::move(options)), lock_(std::move(lock)) {
  for (const BundledInput& bundled : options_.bundled) {
    Input input;
    input.id = absl::StrCat(kBundled, bundled.name);
    input.kind = bundled.kind;
    std::error_code error;
    // Bazel's runfiles are links, which no reader of inputs follows.
    const fs::path file = fs::canonical(bundled.path, error);
    input.path = error ? bundled.path : file.string();
    const auto bytes = fs::file_size(input.path, error);
    input.bytes = error ? 0 : static_cast<int64_t>(bytes);
    input.facts = "{}";
    bundled_.push_back(std::move(input));
  }
}

void Store::AddFile(const std::string& path, FileSizes* sizes) {
  struct stat status;
  if (lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    (*sizes)[{status.st_dev, status.st_ino}] = status.st_size;
  }
}

// Symbolic links are not followed.
Store::FileSizes Store::FilesBelow(const std::string& folder) {
  FileSizes sizes;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    AddFile(entry->path(), &sizes);
  }
  return sizes;
}

absl::Status Store::Load() {
  for (const char* name : {"uploads", "jobs"}) {
    const std::string folder = absl::StrCat(options_.folder, "/", name);
    RETURN_IF_ERROR(MakePrivateFolder(folder));
    RETURN_IF_ERROR(RemoveLeftovers(folder));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> uploads,
                   NamesIn(absl::StrCat(options_.folder, "/uploads")));
  for (const std::string& id : uploads) {
    if (IsId(id)) RETURN_IF_ERROR(LoadUpload(id));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> jobs, JobIds());
  for (const std::string& id : jobs) CountJob(id);
  return absl::OkStatus();
}

absl::Status Store::LoadUpload(const std::string& id) {
  const std::string folder = UploadFolder(id);
  const std::string file = absl::StrCat(folder, "/", kUploadFile);
  Input input;
  input.id = id;
  input.path = absl::StrCat(folder, "/", kData);
  struct stat data = {}, description = {};
  const absl::StatusOr<std::string> text = networks::files::ReadFile(file);
  absl::Status status = text.status();
  status.Update(LookAt(file, &description));
  status.Update(LookAt(input.path, &data));
  if (!status.ok() && !absl::IsNotFound(status)) {
    // Perhaps it is whole: the disk fails, or another user owns it.
    if (options_.warn) {
      options_.warn(absl::StrCat(status.message(),
                                 "; this upload is kept, but not shown"));
    }
    absl::MutexLock lock(&mutex_);
    AddFile(input.path, &files_[id]);
    return absl::OkStatus();
  }
  const json parsed = json::parse(status.ok() ? *text : "", nullptr,
                                  /*allow_exceptions=*/false);
  const bool is_whole = S_ISREG(data.st_mode) && parsed.is_object() &&
                        parsed.contains("kind") && parsed["kind"].is_string() &&
                        parsed.contains("facts") && parsed["facts"].is_object();
  // An upload is published whole: somebody has changed this one.
  if (!is_whole) return RemoveWhole(networks::files::FolderOf(folder), id);
  input.kind = parsed["kind"].get<std::string>();
  input.facts = parsed["facts"].dump();
  input.bytes = data.st_size;
  input.created = TimeOf(data.st_mtim);
  input.used = std::max(input.created, TimeOf(description.st_mtim));
  absl::MutexLock lock(&mutex_);
  uploads_[id] = input;
  AddFile(input.path, &files_[id]);
  return absl::OkStatus();
}

absl::StatusOr<NewUpload> Store::BeginUpload(const std::string& kind,
                                             int64_t bytes) {
  {
    absl::MutexLock lock(&mutex_);
    if (static_cast<int>(uploads_.size()) >= options_.max_uploads) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", uploads_.size(),
                       " uploads, the most that are kept; delete some"));
    }
  }
  ASSIGN_OR_RETURN(Reservation reservation, Reserve(bytes));
  RETURN_IF_ERROR(CheckDisk(options_.folder, bytes));
  Input input;
  input.id = NewId();
  input.kind = kind;
  input.path = absl::StrCat(UploadFolder(input.id), "/", kData);
  input.created = input.used = absl::Now();
  ASSIGN_OR_RETURN(AtomicFolder folder,
                   AtomicFolder::Create(UploadFolder(input.id)));
  const std::string path = absl::StrCat(folder.temporary_path(), "/", kData);
  const int file = open(
      path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return SystemError(errno, "the upload", "create");
  return NewUpload(this, std::move(input), std::move(folder), file,
                   std::move(reservation));
}

void Store::AddUpload(const Input& input, Reservation* reservation) {
  absl::MutexLock lock(&mutex_);
  uploads_[input.id] = input;
  AddFile(input.path, &files_[input.id]);
  reserved_ -= reservation->bytes_;
  reservation->store_ = nullptr;
  reservation->bytes_ = 0;
}

std::vector<Input> Store::Uploads() const {
  std::vector<Input> uploads;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, input] : uploads_) uploads.push_back(input);
  }
  std::sort(uploads.begin(), uploads.end(), [](const Input& a, const Input& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return uploads;
}

absl::StatusOr<Input> Store::Find(absl::string_view id) const {
  for (const Input& input : bundled_) {
    if (input.id == id) return input;
  }
  absl::MutexLock lock(&mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return NoSuchInput();
  return found->second;
}

absl::StatusOr<InputHold> Store::Hold(absl::string_view id) {
  for (const Input& input : bundled_) {
    if (input.id == id) return std::make_shared<const Input>(input);
  }
  absl::MutexLock lock(&mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return NoSuchInput();
  ++holds_[found->first];
  return InputHold(new Input(found->second), [this](const Input* input) {
    EndHold(input->id);
    delete input;
  });
}

void Store::EndHold(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  if (--holds_[id] == 0) holds_.erase(id);
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return;
  found->second.used = absl::Now();
  const std::string file = absl::StrCat(UploadFolder(id), "/", kUploadFile);
  utimensat(AT_FDCWD, file.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
}

absl::Status Store::RemoveUpload(absl::string_view id) {
  std::string name;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = uploads_.find(id);
    if (found == uploads_.end()) return NoSuchInput();
    if (holds_.find(id) != holds_.end()) {
      return absl::FailedPreconditionError(
          "a job uses this upload; cancel the job first, or wait for its end");
    }
    name = found->first;
    uploads_.erase(found);
    files_.erase(name);
  }
  return RemoveWhole(absl::StrCat(options_.folder, "/uploads"), name);
}

int Store::RemoveUploadsOlderThan(absl::Time time) {
  int removed = 0;
  for (const Input& input : Uploads()) {
    if (input.used < time && RemoveUpload(input.id).ok()) ++removed;
  }
  return removed;
}

absl::StatusOr<std::string> Store::MakeJobFolder() {
  const std::string id = NewId();
  const std::string folder = JobFolder(id);
  if (mkdir(folder.c_str(), 0700) != 0) {
    return SystemError(errno, folder, "create the folder");
  }
  absl::MutexLock lock(&mutex_);
  files_[id] = {};
  return id;
}

absl::StatusOr<std::vector<std::string>> Store::JobIds() const {
  ASSIGN_OR_RETURN(std::vector<std::string> ids,
                   NamesIn(absl::StrCat(options_.folder, "/jobs")));
  ids.erase(std::remove_if(ids.begin(), ids.end(),
                           [](const std::string& id) { return !IsId(id); }),
            ids.end());
  return ids;
}

std::string Store::JobFolder(absl::string_view id) const {
  return absl::StrCat(options_.folder, "/jobs/", id);
}

absl::Status Store::RemoveJobFolder(absl::string_view id) {
  if (!IsId(id)) return absl::NotFoundError("there is no job with this id");
  {
    absl::MutexLock lock(&mutex_);
    const auto found = files_.find(id);
    if (found != files_.end()) files_.erase(found);
  }
  return RemoveWhole(absl::StrCat(options_.folder, "/jobs"), std::string(id));
}

void Store::CountJob(absl::string_view id) {
  FileSizes sizes = FilesBelow(JobFolder(id));
  absl::MutexLock lock(&mutex_);
  files_[std::string(id)] = std::move(sizes);
}

absl::StatusOr<Reservation> Store::Reserve(int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckQuota(bytes));
  reserved_ += bytes;
  return Reservation(this, bytes);
}

absl::Status Store::CheckQuota(int64_t bytes) const {
  const int64_t used = reserved_ + StoredLocked();
  // `bytes` may be any number that a client states.
  if (bytes <= options_.quota && used <= options_.quota - bytes) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "uploads and jobs use ", Megabytes(used), " of ",
      Megabytes(options_.quota), ", and ", Megabytes(bytes),
      " more are needed; delete some, or start Studio with a larger quota"));
}

int64_t Store::StoredLocked() const {
  FileSizes distinct;
  for (const auto& [id, sizes] : files_) {
    for (const auto& [file, bytes] : sizes) {
      // The sizes differ where a file of a job was replaced since the job was
      // counted, as job.json, and its inode belongs to another one by now.
      int64_t& most = distinct[file];
      most = std::max(most, bytes);
    }
  }
  int64_t stored = 0;
  for (const auto& [file, bytes] : distinct) stored += bytes;
  return stored;
}

int64_t Store::stored() const {
  absl::MutexLock lock(&mutex_);
  return StoredLocked();
}

int64_t Store::used() const {
  absl::MutexLock lock(&mutex_);
  return reserved_ + StoredLocked();
}

int64_t Store::room_on_disk() const {
  return std::max<int64_t>(FreeBytes(options_.folder) - kSpareBytes, 0);
}

void Store::Release(int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  reserved_ -= bytes;
}

std::string Store::UploadFolder(absl::string_view id) const {
  return absl::StrCat(options_.folder, "/uploads/", id);
}

}  // namespace studio
