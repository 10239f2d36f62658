#include "tools/studio/http/access.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

constexpr size_t kMinTokenCharacters = 22;

// Of a token, which the page takes from the address: those that mean nothing in
// the fragment of a URL.
bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         c == '_';
}

// "host:7878" -> "host"; "[::1]:7878" -> "::1". False for what is no host.
bool SplitHost(absl::string_view text, std::string* host) {
  size_t end = text.find(':');
  if (absl::StartsWith(text, "[")) {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) return false;
    *host = std::string(text.substr(1, close - 1));
    end = close + 1;
  } else {
    *host = std::string(text.substr(0, end));
  }
  absl::AsciiStrToLower(host);
  if (end >= text.size()) return !host->empty();
  absl::string_view port = text.substr(end);
  uint32_t number = 0;
  return !host->empty() && absl::ConsumePrefix(&port, ":") &&
         port.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(port, &number) && number > 0 && number <= 65535;
}

bool IsEqualInConstantTime(absl::string_view a, absl::string_view b) {
  // The length is no secret: that of our tokens is known.
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

bool IsNumericAddress(const std::string& address) {
  in6_addr parsed;
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool IsLoopback(absl::string_view address) {
  const std::string text(address);
  in_addr four;
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
    return ntohl(four.s_addr) >> 24 == 127;
  }
  in6_addr six;
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&six);
}

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    return networks::files::SystemError(errno, path, "open");
  }
  if (status.st_mode & (S_IRWXG | S_IRWXO)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": other users may read the token; run: chmod 600 ", path));
  }
  networks::files::ReadOptions options;
  options.max_bytes = 4096;
  ASSIGN_OR_RETURN(const std::string text,
                   networks::files::ReadFile(path, options));
  const std::string token(absl::StripAsciiWhitespace(text));
  if (token.size() < kMinTokenCharacters ||
      !std::all_of(token.begin(), token.end(), &IsTokenCharacter)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has to hold one line of at least ", kMinTokenCharacters,
        " letters, digits, - and _, and nothing else; this makes one: openssl "
        "rand -hex 32"));
  }
  return token;
}

Access::Access(AccessOptions options) : options_(std::move(options)) {}

bool Access::IsOurHost(absl::string_view text) const {
  std::string host;
  if (!SplitHost(text, &host)) return false;
  if (host == options_.listen || host == "localhost" || host == "127.0.0.1" ||
      host == "::1") {
    return true;
  }
  if (!IsLoopback(options_.listen) && IsNumericAddress(host)) return true;
  return std::any_of(options_.names.begin(), options_.names.end(),
                     [&](const std::string& name) {
                       return absl::EqualsIgnoreCase(name, host);
                     });
}

std::optional<Response> Access::CheckSite(const Request& request) const {
  const absl::string_view host = request.Header("host");
  if (!IsOurHost(host)) {
    return ErrorResponse(
        421, "wrong_host",
        "this server does not have the name that the request's Host states; "
        "use the address that Studio printed, or start it with this name "
        "among the allowed_hosts");
  }
  const auto origin = request.headers.find("origin");
  if (origin != request.headers.end() &&
      !absl::EqualsIgnoreCase(origin->second, absl::StrCat("http://", host)) &&
      !absl::EqualsIgnoreCase(origin->second, absl::StrCat("https://", host))) {
    return ErrorResponse(403, "wrong_origin",
                         "requests of pages of other sites are refused");
  }
  return std::nullopt;
}

std::optional<Response> Access::CheckToken(const Request& request) const {
  const absl::string_view site = request.Header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") {
    return ErrorResponse(403, "wrong_origin",
                         "requests of pages of other sites are refused");
  }
  absl::string_view value = request.Header("authorization");
  if (absl::StartsWithIgnoreCase(value, "Bearer ") &&
      IsEqualInConstantTime(value.substr(7), options_.token)) {
    return std::nullopt;
  }
  Response response = ErrorResponse(
      401, "unauthenticated",
      "the request needs the header \"Authorization: Bearer TOKEN\", with the "
      "token that stands behind # in the address that Studio printed");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"Studio\"");
  return response;
}

}  // namespace studio
