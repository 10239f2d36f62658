// The header of a request, from the pieces into which libmicrohttpd splits it.
//
// What it lets pass and we refuse is here; its own limits and ours on the size
// are in http_server.h.
#ifndef TOOLS_STUDIO_HTTP_REQUEST_HEADER_H_
#define TOOLS_STUDIO_HTTP_REQUEST_HEADER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

class RequestHeader {
 public:
  // One field. Of several with the same name the first counts.
  void Add(absl::string_view name, absl::string_view value);

  // Fills all of `request` but its body. Call it once, last.
  //
  // Instead gives the answer to a header that is refused: 400 where Host,
  // Authorization, Content-Length, Origin, Transfer-Encoding or Range stands
  // twice, for the errors of ParseTarget, and for a Content-Length that is no
  // length; 411 for a Transfer-Encoding.
  std::optional<Response> Read(absl::string_view method,
                               absl::string_view target, Request* request);

 private:
  std::map<std::string, std::string, std::less<>> fields_;
  bool has_duplicate_ = false;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_REQUEST_HEADER_H_
