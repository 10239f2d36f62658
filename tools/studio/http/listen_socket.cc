#include "tools/studio/http/listen_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"

namespace studio {
namespace {

union Address {
  sockaddr any;
  sockaddr_in four;
  sockaddr_in6 six;
};

// Its size; 0 where `text` is no numeric address.
socklen_t ParseAddress(const std::string& text, int port, Address* address) {
  *address = {};
  if (inet_pton(AF_INET, text.c_str(), &address->four.sin_addr) == 1) {
    address->four.sin_family = AF_INET;
    address->four.sin_port = htons(static_cast<uint16_t>(port));
    return sizeof(address->four);
  }
  if (inet_pton(AF_INET6, text.c_str(), &address->six.sin6_addr) == 1) {
    address->six.sin6_family = AF_INET6;
    address->six.sin6_port = htons(static_cast<uint16_t>(port));
    return sizeof(address->six);
  }
  return 0;
}

absl::Status ListenError(int error, const std::string& address, int port) {
  const std::string where = absl::StrCat(address, ":", port);
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError(
        absl::StrCat(where,
                     " is in use, perhaps by another Studio; give another "
                     "--port, or --port 0 for any that is free"));
  }
  if (error == EADDRNOTAVAIL) {
    return absl::InvalidArgumentError(absl::StrCat(
        address, " is no address of this machine; listen on one of its own"));
  }
  if (error == EACCES) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": the port is for root alone; give a --port from 1024 on"));
  }
  return networks::files::SystemError(error, where, "listen");
}

}  // namespace

absl::StatusOr<ListenSocket> Listen(const std::string& address, int port) {
  Address bound;
  socklen_t size = ParseAddress(address, port, &bound);
  if (size == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", address, "\" is no numeric address, as 127.0.0.1 or ::1"));
  }
  const int socket_ = socket(bound.any.sa_family,
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // So that a new start does not wait for the connections of the last one.
  const int yes = 1;
  if (socket_ < 0 ||
      setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      bind(socket_, &bound.any, size) != 0 || listen(socket_, 128) != 0 ||
      getsockname(socket_, &bound.any, &size) != 0) {
    const int error = errno;
    if (socket_ >= 0) close(socket_);
    return ListenError(error, address, port);
  }
  return ListenSocket{
      socket_, ntohs(bound.any.sa_family == AF_INET ? bound.four.sin_port
                                                    : bound.six.sin6_port)};
}

}  // namespace studio
