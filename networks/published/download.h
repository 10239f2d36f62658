// Fetches a file over HTTP so that it is there whole and right, or not at all.
//
// The bytes come into <path>.part<suffix>, which an interrupted download leaves
// behind and the next one continues. When all are there and the digest agrees,
// the file is synced to the disk and renamed to <path>.
#ifndef NETWORKS_PUBLISHED_DOWNLOAD_H_
#define NETWORKS_PUBLISHED_DOWNLOAD_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace networks::published {

struct DownloadOptions {
  // The first digits that the file's SHA-256 must have; "": any.
  std::string sha256;

  // Follows these digits in an error: who says that they are right.
  std::string sha256_origin;

  // The size that it must have; 0: any. A server that announces another one, or
  // none where a part would have to go, is left before its first byte, with the
  // part as it was. A range of which the server does not say how long the file
  // is goes on with a part only where this is known.
  int64_t bytes = 0;

  // Follows ".part" in the name of the unfinished file. Each source of a file
  // has its own: none can go on with what another one brought.
  std::string part_suffix;

  // What else a file must be: called with its temporary path when it is
  // complete. An error throws it away and is returned.
  std::function<absl::Status(const std::string& path)> check;

  // Bytes on the disk and in all (0: not known yet). Called often.
  std::function<void(int64_t done, int64_t total)> progress;

  // Whether to stop, leaving what is there to be continued. Asked often.
  std::function<bool()> stopped;

  // A connection that brings nothing for this long is given up.
  int stall_seconds = 30;

  // How often to connect anew after a cut without a single new byte.
  int retries = 2;
};

// Returns the file's SHA-256, 64 hexadecimal digits.
//
// Errors name the URL and what to do:
//   Unavailable         no network, cut off, stalled, or the server is in
//                       trouble or not ready (5xx, 202, 408, 425, 429): run
//                       again to go on
//   NotFound            404 or 410
//   PermissionDenied    the system forbids writing
//   DataLoss            size or digest are wrong; what came is thrown away
//   ResourceExhausted   the disk is full; the part stays
//   FailedPrecondition  the server, or a proxy on the way, refuses the request
//                       (any other status), redirects for ever, or has a
//                       certificate that is not trusted
//   Aborted             another process is downloading to the same path
//   Cancelled           `stopped`
//   InvalidArgument     the URL is none, or a redirect leads to none
// HTTPS is never left for HTTP by a redirect.
absl::StatusOr<std::string> Download(const std::string& url,
                                     const std::string& path,
                                     const DownloadOptions& options = {});

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_DOWNLOAD_H_
