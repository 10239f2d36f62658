// What the error of a transfer by libcurl means for whoever asked for it.
#ifndef NETWORKS_PUBLISHED_CURL_ERROR_H_
#define NETWORKS_PUBLISHED_CURL_ERROR_H_

#include <curl/curl.h>

#include "absl/status/status.h"

namespace networks::published {

// Tells whether the same transfer may succeed later:
//
//   Cancelled           the caller's progress function ended it
//   InvalidArgument     the URL, or one that a redirect leads to, is none, or
//                       of a protocol that is not allowed
//   FailedPrecondition  it would fail again: the server's certificate is not
//                       trusted, or its redirects do not end
//   Unavailable         any other error
absl::StatusCode CurlErrorCode(CURLcode code);

// Whether the connection ended before all had come, so that another one may
// bring the rest.
bool IsCut(CURLcode code);

// What a user can do about the error, to follow its message: "; ...", or "".
const char* CurlAdvice(CURLcode code);

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_CURL_ERROR_H_
