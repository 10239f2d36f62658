#include "networks/weights/zip_index.h"

#include <minizip/unzip.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

// Minizip reads the archive through these functions instead of a file.
struct MemoryStream {
  absl::string_view bytes;
  uint64_t position = 0;
};

MemoryStream* StreamOf(voidpf stream) {
  return static_cast<MemoryStream*>(stream);
}

voidpf OpenStream(voidpf opaque, const void*, int) { return opaque; }

uLong ReadStream(voidpf, voidpf stream, void* buffer, uLong size) {
  MemoryStream& memory = *StreamOf(stream);
  if (memory.position >= memory.bytes.size()) return 0;
  const uint64_t available = memory.bytes.size() - memory.position;
  const uint64_t count = std::min<uint64_t>(size, available);
  std::memcpy(buffer, memory.bytes.data() + memory.position, count);
  memory.position += count;
  return count;
}

uLong WriteStream(voidpf, voidpf, const void*, uLong) { return 0; }

ZPOS64_T TellStream(voidpf, voidpf stream) {
  return StreamOf(stream)->position;
}

long SeekStream(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
  MemoryStream& memory = *StreamOf(stream);
  const uint64_t base = origin == ZLIB_FILEFUNC_SEEK_SET ? 0
                        : origin == ZLIB_FILEFUNC_SEEK_CUR
                            ? memory.position
                            : memory.bytes.size();
  if (offset >
      memory.bytes.size() - std::min<uint64_t>(base, memory.bytes.size())) {
    return -1;
  }
  memory.position = base + offset;
  return 0;
}

int CloseStream(voidpf, voidpf) { return 0; }
int StreamError(voidpf, voidpf) { return 0; }

zlib_filefunc64_def StreamFunctions(MemoryStream* stream) {
  zlib_filefunc64_def functions;
  functions.zopen64_file = OpenStream;
  functions.zread_file = ReadStream;
  functions.zwrite_file = WriteStream;
  functions.ztell64_file = TellStream;
  functions.zseek64_file = SeekStream;
  functions.zclose_file = CloseStream;
  functions.zerror_file = StreamError;
  functions.opaque = stream;
  return functions;
}

// The name and place of the archive's current entry.
absl::StatusOr<std::pair<std::string, ZipEntry>> CurrentEntry(
    unzFile zip, absl::string_view archive) {
  const auto error = [](absl::string_view name, auto... reason) {
    return absl::InvalidArgumentError(absl::StrCat(
        "entry \"", absl::CHexEscape(name.substr(0, 200)), "\": ", reason...));
  };
  const auto get_info = [zip](unz_file_info64* info, std::string* name) {
    return unzGetCurrentFileInfo64(zip, info, name->data(), name->size(),
                                   nullptr, 0, nullptr, 0) == UNZ_OK;
  };
  unz_file_info64 info;
  std::string name;
  if (!get_info(&info, &name)) {
    return absl::InvalidArgumentError("its directory is damaged");
  }
  name.resize(info.size_filename);
  if (!get_info(&info, &name)) {
    return absl::InvalidArgumentError("its directory is damaged");
  }
  if ((info.flag & 1) != 0) return error(name, "is encrypted");
  if (info.compression_method != 0) {
    return error(name, "is compressed (method ", info.compression_method,
                 "); PyTorch stores state dicts as they are (a TorchScript "
                 "program it compresses)");
  }
  if (info.compressed_size != info.uncompressed_size) {
    return error(name, "is stored as it is, but has two sizes, ",
                 info.compressed_size, " and ", info.uncompressed_size);
  }
  if (unzOpenCurrentFile(zip) != UNZ_OK) {
    return error(name, "its local header is damaged");
  }
  ZipEntry entry;
  entry.begin = unzGetCurrentFileZStreamPos64(zip);
  entry.crc32 = static_cast<uint32_t>(info.crc);
  unzCloseCurrentFile(zip);
  if (entry.begin > archive.size() ||
      info.compressed_size > archive.size() - entry.begin) {
    return error(name, "claims ", info.compressed_size, " bytes from byte ",
                 entry.begin, " of an archive of ", archive.size());
  }
  entry.end = entry.begin + info.compressed_size;
  return std::make_pair(std::move(name), entry);
}

// Entries that share bytes are how a small archive claims to be a large one.
absl::Status CheckOverlaps(const std::map<std::string, ZipEntry>& entries) {
  using Item = std::map<std::string, ZipEntry>::value_type;
  std::vector<const Item*> items;
  for (const Item& item : entries) items.push_back(&item);
  std::sort(items.begin(), items.end(), [](const Item* a, const Item* b) {
    return a->second.begin < b->second.begin;
  });
  for (size_t i = 1; i < items.size(); ++i) {
    if (items[i]->second.begin < items[i - 1]->second.end) {
      return absl::InvalidArgumentError(absl::StrCat(
          "entries \"", absl::CHexEscape(items[i - 1]->first), "\" and \"",
          absl::CHexEscape(items[i]->first), "\" overlap"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, ZipEntry>> IndexEntries(
    unzFile zip, absl::string_view archive) {
  std::map<std::string, ZipEntry> entries;
  int result = unzGoToFirstFile(zip);
  while (result == UNZ_OK) {
    ASSIGN_OR_RETURN(auto entry, CurrentEntry(zip, archive));
    if (!entries.insert(entry).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "entry \"", absl::CHexEscape(entry.first), "\" is there twice"));
    }
    result = unzGoToNextFile(zip);
  }
  if (result != UNZ_END_OF_LIST_OF_FILE) {
    return absl::InvalidArgumentError("its directory is damaged");
  }
  RETURN_IF_ERROR(CheckOverlaps(entries));
  return entries;
}

// Whether the archive ends as it should, with the record of its directory and
// the comment whose length that gives. Minizip does not look at either if there
// is a zip64 record before them.
bool EndsWithItsDirectory(absl::string_view archive) {
  constexpr size_t kRecordSize = 22;
  constexpr size_t kCommentLength = 20;  // Where the record has it.
  const size_t record = archive.rfind("PK\x05\x06");
  if (record == absl::string_view::npos ||
      archive.size() - record < kRecordSize) {
    return false;
  }
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(archive[record + kCommentLength + i]);
  };
  return record + kRecordSize + byte(0) + byte(1) * 256 == archive.size();
}

}  // namespace

absl::StatusOr<std::map<std::string, ZipEntry>> IndexZip(
    absl::string_view archive, absl::string_view path) {
  MemoryStream stream = {archive};
  zlib_filefunc64_def functions = StreamFunctions(&stream);
  const unzFile zip =
      EndsWithItsDirectory(archive) ? unzOpen2_64("", &functions) : nullptr;
  if (zip == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        ": the zip archive has no directory at its end; the file is "
        "damaged or incomplete"));
  }
  absl::Cleanup close_zip = [zip] { unzClose(zip); };
  auto entries = IndexEntries(zip, archive);
  if (entries.ok()) return entries;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": zip archive: ", entries.status().message()));
}

absl::Status CheckZipEntry(absl::string_view archive, const ZipEntry& entry) {
  const absl::string_view bytes =
      archive.substr(entry.begin, entry.end - entry.begin);
  const uLong crc =
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc == entry.crc32) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "its bytes do not have the archive's checksum; the file is damaged");
}

}  // namespace networks::weights
