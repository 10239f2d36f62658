#include "pipelines/media/formats/mp4_tables.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

// A table of entries of one size behind a head that ends with their number.
struct TableKind {
  const char* type;
  int64_t head_bytes;
  int64_t entry_bytes;
};

constexpr TableKind kTables[] = {{"stts", 8, 8},  {"ctts", 8, 8},
                                 {"stsc", 8, 12}, {"stss", 8, 4},
                                 {"stco", 8, 4},  {"co64", 8, 8}};

int64_t NumEntries(ByteReader& file, const Mp4Box& table, int64_t head_bytes) {
  return static_cast<int64_t>(file.BigEndian(table.begin + head_bytes - 4, 4));
}

absl::Status CheckFits(ByteReader& file, const Mp4Box& table,
                       const TableKind& kind) {
  const int64_t stated = NumEntries(file, table, kind.head_bytes);
  const int64_t room =
      (table.end - table.begin - kind.head_bytes) / kind.entry_bytes;
  if (!table.is_there() || stated <= room) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "its table '%s' is damaged: it states %d entries and has %d", kind.type,
      stated, room));
}

// How many frames lie in the chunks; damaged entries may say more than an
// integer holds. [ISO 14496-12, 8.7.4]
double FramesInChunks(ByteReader& file, const Mp4Box& tables,
                      const Mp4Box& stsc) {
  Mp4Box places = FindBox(file, tables, {"stco"});
  if (!places.is_there()) places = FindBox(file, tables, {"co64"});
  const int64_t chunks = NumEntries(file, places, 8);
  const int64_t begin = stsc.begin + 8;
  const int64_t end = begin + 12 * NumEntries(file, stsc, 8);
  double frames = 0;
  for (int64_t entry = begin; entry < end; entry += 12) {
    const auto first = static_cast<int64_t>(file.BigEndian(entry, 4));
    const auto next = entry + 12 < end
                          ? static_cast<int64_t>(file.BigEndian(entry + 12, 4))
                          : chunks + 1;
    const auto each = static_cast<double>(file.BigEndian(entry + 4, 4));
    // Where FFmpeg's numbers turn negative.
    if (each >= 0x80000000) return 0;
    frames += static_cast<double>(std::max<int64_t>(0, next - first)) * each;
  }
  return frames;
}

absl::Status CheckChunks(ByteReader& file, const Mp4Box& tables,
                         const Mp4Box& stsz) {
  const Mp4Box stsc = FindBox(file, tables, {"stsc"});
  if (!stsc.is_there()) return absl::OkStatus();
  const auto stated = static_cast<double>(NumEntries(file, stsz, 12));
  const double found = FramesInChunks(file, tables, stsc);
  if (found >= stated) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "its table of chunks is damaged: it has %.0f of %.0f frames", found,
      stated));
}

absl::Status CheckSize(ByteReader& file, int64_t frame, int64_t at) {
  const auto size = static_cast<int64_t>(file.BigEndian(at, 4));
  if (size <= file.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "its table of sizes is damaged: frame %d has %d bytes, the file has %d",
      frame, size, file.size()));
}

// [ISO 14496-12, 8.7.3.2] One size for all frames, or 0 and a table of sizes.
absl::Status CheckSizes(ByteReader& file, const Mp4Box& stsz) {
  constexpr TableKind kSizes = {"stsz", 12, 4};
  const int64_t for_all = stsz.begin + 4;
  if (file.BigEndian(for_all, 4) != 0) return CheckSize(file, 0, for_all);
  RETURN_IF_ERROR(CheckFits(file, stsz, kSizes));
  const int64_t frames = NumEntries(file, stsz, kSizes.head_bytes);
  for (int64_t i = 0; i < frames; ++i) {
    RETURN_IF_ERROR(CheckSize(
        file, i, stsz.begin + kSizes.head_bytes + kSizes.entry_bytes * i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMp4Tables(ByteReader& file, const Mp4Box& tables) {
  for (const TableKind& kind : kTables) {
    RETURN_IF_ERROR(CheckFits(file, FindBox(file, tables, {kind.type}), kind));
  }
  const Mp4Box stsz = FindBox(file, tables, {"stsz"});
  if (!stsz.is_there()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSizes(file, stsz));
  return CheckChunks(file, tables, stsz);
}

}  // namespace pipelines::media
