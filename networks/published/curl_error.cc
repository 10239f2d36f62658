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
      return "; if the server's certificate is in date and of this name, this "
             "system lacks its issuer's (Debian: install ca-certificates; put "
             "a certificate of your own into /usr/local/share/ca-certificates "
             "and run update-ca-certificates)";
    case CURLE_SSL_CACERT_BADFILE:
      return "; the system's certificates cannot be read (Debian: install "
             "ca-certificates)";
    default:
      return "";
  }
}

}  // namespace networks::published
