// Who may talk to the server: checks of Host, Origin and the token.
//
// A page of another site can make a browser send requests here, and a name that
// it controls can be made to lead to 127.0.0.1 (DNS rebinding). Then the Host
// is that name, and the Origin that page's. So a request is answered only if
// its Host is one of ours, and its Origin, if it states one, is that Host.
#ifndef TOOLS_STUDIO_HTTP_ACCESS_H_
#define TOOLS_STUDIO_HTTP_ACCESS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

struct AccessOptions {
  // What "Authorization: Bearer" has to give.
  std::string token;
  // The address that the server listens on, as "127.0.0.1". On the loopback
  // interface the Host is localhost, 127.0.0.1, [::1] or this address;
  // elsewhere any numeric address, which no rebinding can lead here.
  std::string listen;
  // Further names of this machine, as "lab7.example.org".
  std::vector<std::string> names;
};

// Whether `address` is an IPv4 or IPv6 address, as "127.0.0.1" or "::1".
bool IsNumericAddress(const std::string& address);

// Whether a numeric address is one of this machine alone: 127.0.0.0/8 or ::1.
bool IsLoopback(absl::string_view address);

// The token in the file `path`: its only line, of at least 22 letters, digits,
// '-' and '_'. FailedPrecondition if other users may read the file,
// InvalidArgument for another content, or the system's error.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

class Access {
 public:
  explicit Access(AccessOptions options);

  // Nothing, or 421 for another Host, 403 for another Origin. For every
  // request.
  std::optional<Response> CheckSite(const Request& request) const;

  // Nothing, or 401, or 403 for a browser's request that another site began.
  // For requests to the API. Takes the same time for every wrong token of the
  // right length.
  std::optional<Response> CheckToken(const Request& request) const;

 private:
  bool IsOurHost(absl::string_view host) const;

  const AccessOptions options_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_ACCESS_H_
