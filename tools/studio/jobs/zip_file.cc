#include "tools/studio/jobs/zip_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/atomic_file.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

using networks::files::AtomicFile;

std::string ReasonOf(archive* zip) {
  const char* const reason =
      zip == nullptr ? nullptr : archive_error_string(zip);
  return reason == nullptr ? "" : absl::StrCat(": ", reason);
}

}  // namespace

std::string FrameFileName(int64_t index) {
  return absl::StrFormat("%06d.png", index);
}

class ZipWriter::Impl {
 public:
  explicit Impl(AtomicFile file)
      : file_(std::move(file)),
        writer_(archive_write_new(), archive_write_free) {}

  absl::Status Open() {
    if (writer_ == nullptr ||
        archive_write_set_format_zip(writer_.get()) != ARCHIVE_OK ||
        archive_write_zip_set_compression_store(writer_.get()) != ARCHIVE_OK ||
        archive_write_open(writer_.get(), this, nullptr, WriteBytes, nullptr) !=
            ARCHIVE_OK) {
      return Error();
    }
    return absl::OkStatus();
  }

  absl::Status Add(const std::string& name, absl::string_view content) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(
        archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(content.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    // The first day that a zip archive can state: equal frames, equal files.
    constexpr time_t kFirstDay = 315532800;
    archive_entry_set_mtime(entry.get(), kFirstDay, 0);
    if (archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(writer_.get(), content.data(), content.size()) !=
            static_cast<la_ssize_t>(content.size())) {
      return Error();
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (archive_write_close(writer_.get()) != ARCHIVE_OK) return Error();
    return file_.Commit();
  }

 private:
  // Of the type that libarchive calls.
  static la_ssize_t WriteBytes(archive* writer, void* self, const void* bytes,
                               size_t size) {
    auto* const zip = static_cast<Impl*>(self);
    zip->written_ = zip->file_.Append({static_cast<const char*>(bytes), size});
    if (zip->written_.ok()) return static_cast<la_ssize_t>(size);
    archive_set_error(writer, ARCHIVE_FATAL, "cannot write");
    return -1;
  }

  absl::Status Error() const {
    if (!written_.ok()) return written_;
    return absl::InternalError(absl::StrCat(file_.path(),
                                            ": cannot write the zip archive",
                                            ReasonOf(writer_.get())));
  }

  AtomicFile file_;
  absl::Status written_;
  // Freed first: it may still write.
  std::unique_ptr<archive, decltype(&archive_write_free)> writer_;
};

ZipWriter::ZipWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZipWriter::~ZipWriter() = default;

absl::StatusOr<std::unique_ptr<ZipWriter>> ZipWriter::Create(
    const std::string& path) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  auto impl = std::make_unique<Impl>(std::move(file));
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<ZipWriter>(new ZipWriter(std::move(impl)));
}

absl::Status ZipWriter::Add(const std::string& name,
                            absl::string_view content) {
  return impl_->Add(name, content);
}

absl::Status ZipWriter::Finish() { return impl_->Finish(); }

class ZipReader::Impl {
 public:
  explicit Impl(const std::string& path)
      : path_(path), reader_(archive_read_new(), archive_read_free) {}

  absl::Status Open() {
    constexpr size_t kBlock = size_t{1} << 16;
    if (reader_ != nullptr &&
        archive_read_support_format_zip(reader_.get()) == ARCHIVE_OK &&
        archive_read_open_filename(reader_.get(), path_.c_str(), kBlock) ==
            ARCHIVE_OK) {
      return absl::OkStatus();
    }
    return Error();
  }

  absl::StatusOr<std::optional<std::string>> Next(size_t max_bytes) {
    // Asked again at the end, libarchive gives an error.
    if (is_at_end_) return std::nullopt;
    archive_entry* entry = nullptr;
    const int outcome = archive_read_next_header(reader_.get(), &entry);
    is_at_end_ = outcome == ARCHIVE_EOF;
    if (is_at_end_) return std::nullopt;
    if (outcome != ARCHIVE_OK) return Error();
    std::string content;
    for (;;) {
      constexpr size_t kPiece = size_t{1} << 16;
      const size_t before = content.size();
      content.resize(before + kPiece);
      const la_ssize_t read =
          archive_read_data(reader_.get(), &content[before], kPiece);
      if (read < 0) return Error();
      content.resize(before + static_cast<size_t>(read));
      if (read == 0) return content;
      if (content.size() > max_bytes) {
        return absl::DataLossError(
            absl::StrCat(path_, ": a file of the zip archive is too large"));
      }
    }
  }

 private:
  absl::Status Error() const {
    return absl::DataLossError(absl::StrCat(
        path_, ": cannot read the zip archive", ReasonOf(reader_.get())));
  }

  const std::string path_;
  std::unique_ptr<archive, decltype(&archive_read_free)> reader_;
  bool is_at_end_ = false;
};

ZipReader::ZipReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZipReader::~ZipReader() = default;

absl::StatusOr<std::unique_ptr<ZipReader>> ZipReader::Open(
    const std::string& path) {
  auto impl = std::make_unique<Impl>(path);
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<ZipReader>(new ZipReader(std::move(impl)));
}

absl::StatusOr<std::optional<std::string>> ZipReader::Next(size_t max_bytes) {
  return impl_->Next(max_bytes);
}

}  // namespace studio
