// SPDX-License-Identifier: Apache-2.0
//
// Endpoint: from the kernel's address structures to text.

#include "net/endpoint.h"

#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace leveret {
namespace {

Endpoint ipv4_endpoint(const in_addr& address, in_port_t port) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof text);
  return {.kind = Endpoint::Kind::ipv4, .port = ntohs(port), .address = text};
}

Endpoint ipv6_endpoint(const sockaddr_in6& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    in_addr mapped;
    std::memcpy(&mapped, address.sin6_addr.s6_addr + 12, sizeof mapped);
    return ipv4_endpoint(mapped, address.sin6_port);
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  return {.kind = Endpoint::Kind::ipv6, .port = ntohs(address.sin6_port), .address = text};
}

Endpoint unix_endpoint(const sockaddr_un& address, socklen_t length) {
  Endpoint endpoint{.kind = Endpoint::Kind::unix_path};
  constexpr std::size_t path_begin = offsetof(sockaddr_un, sun_path);
  if (length > path_begin) {
    endpoint.address.assign(
        address.sun_path, strnlen(address.sun_path, static_cast<std::size_t>(length) - path_begin));
  }
  return endpoint;
}

}  // namespace

std::string Endpoint::text() const {
  switch (kind) {
    case Kind::ipv4:
      return address + ":" + std::to_string(port);
    case Kind::ipv6:
      return "[" + address + "]:" + std::to_string(port);
    case Kind::unix_path:
      return "unix:" + address;
    case Kind::unknown:
      break;
  }
  return "unknown";
}

bool Endpoint::is_loopback() const {
  switch (kind) {
    case Kind::ipv4:
      return address.starts_with("127.");
    case Kind::ipv6:
      return address == "::1";
    case Kind::unix_path:
      return true;
    case Kind::unknown:
      break;
  }
  return false;
}

Endpoint to_endpoint(const sockaddr_storage& address, socklen_t length) {
  // The casts are how the socket API means them: sockaddr_storage is aligned for every family.
  switch (address.ss_family) {
    case AF_INET: {
      const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
      return ipv4_endpoint(ipv4.sin_addr, ipv4.sin_port);
    }
    case AF_INET6:
      return ipv6_endpoint(reinterpret_cast<const sockaddr_in6&>(address));
    case AF_UNIX:
      return unix_endpoint(reinterpret_cast<const sockaddr_un&>(address), length);
    default:
      return {};
  }
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return to_endpoint(address, length);
}

Endpoint peer_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return to_endpoint(address, length);
}

}  // namespace leveret
