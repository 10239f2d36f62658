// Plain writing of files inside a folder that gets its final name only when it
// is whole; so, unlike networks/files/atomic_file.h, not synced one by one.
#ifndef PIPELINES_PUPPETS_WRITE_BYTES_H_
#define PIPELINES_PUPPETS_WRITE_BYTES_H_

#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pipelines::data::puppets {

// "<path>: <what>: <the system's reason>", ResourceExhausted if that is a full
// disk, else Unavailable.
absl::Status FileError(const std::string& path, absl::string_view what,
                       const std::error_code& error);

absl::Status WriteBytes(const std::string& path, absl::string_view bytes);

}  // namespace pipelines::data::puppets

#endif  // PIPELINES_PUPPETS_WRITE_BYTES_H_
