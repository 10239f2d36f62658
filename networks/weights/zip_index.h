// Where the files of a zip archive lie, for archives that store their files as
// they are, as PyTorch's are: nothing is ever unpacked.
#ifndef NETWORKS_WEIGHTS_ZIP_INDEX_H_
#define NETWORKS_WEIGHTS_ZIP_INDEX_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::weights {

struct ZipEntry {
  uint64_t begin = 0;  // Bytes of the archive.
  uint64_t end = 0;
  uint32_t crc32 = 0;  // As the archive claims it.
};

// The files of the archive by name. Zip64 archives and entries are understood.
//
// archive:  the contents of the whole file.
// path:     for messages only.
//
// InvalidArgument names path, entry and reason: not a zip archive, damaged or
// truncated, an entry compressed or encrypted, given twice, overlapping with
// another or reaching out of the archive. Takes no more memory than the
// entries' names, of which each has its own bytes in the archive.
absl::StatusOr<std::map<std::string, ZipEntry>> IndexZip(
    absl::string_view archive, absl::string_view path);

// InvalidArgument unless the entry's bytes have the checksum that the archive
// claims. Reads them all.
absl::Status CheckZipEntry(absl::string_view archive, const ZipEntry& entry);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_ZIP_INDEX_H_
