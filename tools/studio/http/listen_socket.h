// The socket that a server listens on.
#ifndef TOOLS_STUDIO_HTTP_LISTEN_SOCKET_H_
#define TOOLS_STUDIO_HTTP_LISTEN_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"

namespace studio {

struct ListenSocket {
  int descriptor;
  int port;
};

// Binds `address`, numeric (IPv4 or IPv6), and `port` (0: any that is free),
// and listens. No child process inherits the descriptor, which is the caller's.
//
// InvalidArgument if `address` is no numeric address or none of this machine,
// or the port is for root alone; AlreadyExists if the port is in use.
absl::StatusOr<ListenSocket> Listen(const std::string& address, int port);

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_LISTEN_SOCKET_H_
