#include "networks/published/curl_error.h"

namespace networks::published {

absl::StatusCode CurlErrorCode(CURLcode code) {
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return absl::StatusCode::kCancelled;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return absl::StatusCode::kInvalidArgument;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_TOO_MANY_REDIRECTS:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

bool IsCut(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    // A stream, or all of a connection, that an HTTP/2 server resets.
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

const char* CurlAdvice(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return "; is there a network?";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "; where the name and this system's date are right, its "
             "certificates lack the one that signed the server's (Debian: "
             "install ca-certificates; one of your own goes to "
             "/usr/local/share/ca-certificates, then run "
             "update-ca-certificates)";
    case CURLE_SSL_CACERT_BADFILE:
      return "; the system's certificates cannot be read (Debian: install "
             "ca-certificates)";
    default:
      return "";
  }
}

}  // namespace networks::published
