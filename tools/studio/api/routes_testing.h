// Requests to a router without a connection, for tests of routes.
#ifndef TOOLS_STUDIO_API_ROUTES_TESTING_H_
#define TOOLS_STUDIO_API_ROUTES_TESTING_H_

#include <map>
#include <string>

#include "nlohmann/json.hpp"
#include "tools/studio/api/router.h"
#include "tools/studio/http/request.h"

namespace studio {

struct RouteAnswer {
  int status = 0;
  std::string content_type;
  std::map<std::string, std::string> headers;
  std::string body;  // all of it, also of a file or a stream

  // Of the body; discarded where it is none.
  nlohmann::json json() const;
  // {"error":{...}}
  std::string code() const { return ErrorField("code"); }
  std::string message() const { return ErrorField("message"); }
  std::string field() const { return ErrorField("field"); }

 private:
  std::string ErrorField(const char* name) const;
};

// target: "/jobs/ID?x=1", below /api/v1. The body comes in two pieces, after a
// header that states its length; none if it is empty.
RouteAnswer AskRoute(const Router& router, const std::string& method,
                     const std::string& target, const std::string& body = "");

// The same with a header of the caller's: `request` has no method and target.
RouteAnswer AskRoute(const Router& router, const std::string& method,
                     const std::string& target, const std::string& body,
                     Request request);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_ROUTES_TESTING_H_
