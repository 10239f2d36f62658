// A port for the tests of this folder and of those that run it.
#ifndef PIPELINES_PARALLEL_FREE_PORT_H_
#define PIPELINES_PARALLEL_FREE_PORT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pipelines::parallel {

// One that nobody listened at just now; 0 if there is none.
inline int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = bind(listener, generic, size) == 0 &&
                     getsockname(listener, generic, &size) == 0;
  close(listener);
  return found ? ntohs(address.sin_port) : 0;
}

}  // namespace pipelines::parallel

#endif  // PIPELINES_PARALLEL_FREE_PORT_H_
