#include "tools/studio/jobs/convert_video.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/provenance.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

namespace media = pipelines::media;
using networks::files::AtomicFile;

absl::Status ToVideo(media::VideoReader& reader, const std::string& from,
                     const std::string& to) {
  const media::VideoInfo& info = reader.info();
  media::VideoWriterOptions options;
  options.width = info.width;
  options.height = info.height;
  options.frame_rate = info.frame_rate;
  options.time_base = info.time_base;
  if (info.has_audio && !absl::EndsWith(to, ".gif")) options.audio_from = from;
  options.comment = media::kSynthetic;
  ASSIGN_OR_RETURN(const std::unique_ptr<media::VideoWriter> writer,
                   media::VideoWriter::Create(to, options));
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     reader.Next());
    if (!frame) return writer->Finish();
    RETURN_IF_ERROR(writer->WriteAt(frame->rgb, frame->pts, frame->duration));
  }
}

// A zip archive in a file that appears when it is whole.
class ZipFile {
 public:
  static absl::StatusOr<std::unique_ptr<ZipFile>> Create(
      const std::string& path) {
    ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
    auto zip = std::unique_ptr<ZipFile>(new ZipFile(std::move(file)));
    archive* const writer = zip->writer_.get();
    if (writer == nullptr ||
        archive_write_set_format_zip(writer) != ARCHIVE_OK ||
        // PNGs are compressed already.
        archive_write_zip_set_compression_store(writer) != ARCHIVE_OK ||
        archive_write_open(writer, zip.get(), nullptr, WriteBytes, nullptr) !=
            ARCHIVE_OK) {
      return zip->Error();
    }
    return zip;
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
  explicit ZipFile(AtomicFile file)
      : file_(std::move(file)),
        writer_(archive_write_new(), archive_write_free) {}

  // Of the type that libarchive calls.
  static la_ssize_t WriteBytes(archive* writer, void* self, const void* bytes,
                               size_t size) {
    auto* const zip = static_cast<ZipFile*>(self);
    zip->written_ = zip->file_.Append({static_cast<const char*>(bytes), size});
    if (zip->written_.ok()) return static_cast<la_ssize_t>(size);
    archive_set_error(writer, ARCHIVE_FATAL, "cannot write");
    return -1;
  }

  absl::Status Error() const {
    if (!written_.ok()) return written_;
    const char* const reason =
        writer_ == nullptr ? nullptr : archive_error_string(writer_.get());
    return absl::InternalError(absl::StrCat(
        file_.path(), ": cannot write the zip archive",
        reason == nullptr ? "" : ": ", reason == nullptr ? "" : reason));
  }

  AtomicFile file_;
  absl::Status written_;
  // Freed first: it may still write.
  std::unique_ptr<archive, decltype(&archive_write_free)> writer_;
};

absl::Status ToZip(media::VideoReader& reader, const std::string& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ZipFile> zip, ZipFile::Create(to));
  for (int64_t number = 0;; ++number) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     reader.Next());
    if (!frame) return zip->Finish();
    const std::string name = absl::StrFormat("%06d.png", number);
    ASSIGN_OR_RETURN(
        const std::string png,
        media::EncodeImage(frame->rgb, ".png", name, media::kSynthetic));
    RETURN_IF_ERROR(zip->Add(name, png));
  }
}

}  // namespace

absl::Status ConvertVideo(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::VideoReader> reader,
                   media::VideoReader::Open(from));
  if (absl::EndsWith(to, ".zip")) return ToZip(*reader, to);
  if (absl::EndsWith(to, ".gif") || absl::EndsWith(to, ".webm")) {
    return ToVideo(*reader, from, to);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(to, ": use .gif, .webm or .zip"));
}

}  // namespace studio
