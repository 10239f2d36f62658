#include "tools/studio/http/static_files.h"

#include <openssl/sha.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

struct Kind {
  absl::string_view ending;
  absl::string_view content_type;
};

constexpr Kind kKinds[] = {
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
};

absl::string_view ContentTypeOf(absl::string_view name) {
  for (const Kind& kind : kKinds) {
    if (absl::EndsWith(name, kind.ending)) return kind.content_type;
  }
  return "";
}

std::string EntityTagOf(absl::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         digest);
  return absl::StrCat("\"",
                      absl::BytesToHexString(absl::string_view(
                          reinterpret_cast<const char*>(digest), 12)),
                      "\"");
}

}  // namespace

absl::StatusOr<StaticFiles> StaticFiles::Load(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   networks::files::ListFolder(folder));
  StaticFiles files;
  for (const std::string& name : names) {
    const absl::string_view content_type = ContentTypeOf(name);
    if (content_type.empty()) continue;
    ASSIGN_OR_RETURN(std::string bytes, networks::files::ReadFile(
                                            absl::StrCat(folder, "/", name)));
    File file;
    file.content_type = std::string(content_type);
    file.entity_tag = EntityTagOf(bytes);
    file.bytes = std::make_shared<const std::string>(std::move(bytes));
    files.files_[name] = std::move(file);
  }
  if (files.files_.count("index.html") == 0) {
    return absl::NotFoundError(
        absl::StrCat(folder, " has no index.html: the page is not there"));
  }
  return files;
}

Response StaticFiles::Get(const Request& request) const {
  const std::vector<std::string>& path = request.target.path;
  const auto found = path.size() > 1 ? files_.end()
                     : path.empty()  ? files_.find("index.html")
                                     : files_.find(path[0]);
  if (found == files_.end()) {
    return ErrorResponse(404, "not_found", "there is no such page");
  }
  const File& file = found->second;
  Response response;
  response.content_type = file.content_type;
  // Asked for anew each time, but sent only after a change.
  response.headers = {{"Cache-Control", "no-cache"}, {"ETag", file.entity_tag}};
  if (request.Header("if-none-match") == file.entity_tag) {
    response.status = 304;
    response.content_type.clear();
    return response;
  }
  response.body = file.bytes;
  return response;
}

}  // namespace studio
