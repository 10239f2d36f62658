// The files of the page, in memory: no request leads to the file system.
#ifndef TOOLS_STUDIO_HTTP_STATIC_FILES_H_
#define TOOLS_STUDIO_HTTP_STATIC_FILES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

// Immutable, so safe to use from many threads.
class StaticFiles {
 public:
  // Reads the files of `folder`, not those of folders in it, whose endings a
  // page may have: .html .css .js .json .svg .png .webp .woff2 .ico. NotFound
  // without an index.html; the errors of reading.
  static absl::StatusOr<StaticFiles> Load(const std::string& folder);

  // "/" is index.html; "/studio.css" the file of this name; 304 where the
  // request's If-None-Match names what it is; else 404.
  Response Get(const Request& request) const;

 private:
  struct File {
    std::string content_type;
    std::string entity_tag;
    std::shared_ptr<const std::string> bytes;
  };
  std::map<std::string, File> files_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_STATIC_FILES_H_
