// Which handler answers which address.
#ifndef TOOLS_STUDIO_API_ROUTER_H_
#define TOOLS_STUDIO_API_ROUTER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

// The parts of the address that stand for "*", in order.
using Arguments = std::vector<std::string>;

// Takes the request when its header was read.
using RouteHandler =
    std::function<Reply(Request request, const Arguments& arguments)>;

// Of a request without a body, whose answer needs nothing else.
using SimpleHandler =
    std::function<Response(const Request& request, const Arguments& arguments)>;

// Filled first; then safe to use from many threads.
class Router {
 public:
  // pattern: as "/uploads/*/preview".
  void Add(absl::string_view method, absl::string_view pattern,
           RouteHandler handler);

  // A request that has a body is answered with 413.
  void AddSimple(absl::string_view method, absl::string_view pattern,
                 SimpleHandler handler);

  // "GET /uploads/*/preview" and so on, in the order of the calls of Add.
  std::vector<std::string> Routes() const;

  // `path` is what is matched: the request's target without a prefix. 404 for
  // an address that is unknown, 405 with Allow for another method.
  Reply Route(Request request, const std::vector<std::string>& path) const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> pattern;
    RouteHandler handler;
  };
  std::vector<Entry> entries_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_API_ROUTER_H_
