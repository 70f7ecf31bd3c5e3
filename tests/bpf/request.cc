#include "tests/bpf/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace plimsoll::testing {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Echo::Echo(const Namespace& where) {
  where.run([this] {
    listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    address.sin_family = AF_INET;
    (void)!bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    (void)!listen(listener_.get(), 4);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  });
  thread_ = std::thread([this] { serve(); });
}

Echo::~Echo() {
  shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void Echo::serve() {
  base::UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  int on = 1;
  setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  char data[64];
  for (ssize_t got; (got = recv(peer.get(), data, sizeof(data), 0)) > 0;)
    (void)!send(peer.get(), data, got, 0);
}

base::UniqueFd connectTo(const Namespace& from, const Echo& echo) {
  base::UniqueFd out;
  from.run([&] {
    out.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int on = 1;
    setsockopt(out.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(echo.port());
    inet_pton(AF_INET, "10.2.2.2", &address.sin_addr);
    (void)!connect(out.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  });
  return out;
}

std::vector<double> exchange(int socket, std::chrono::milliseconds time) {
  using Stamp = steady_clock::time_point;
  constexpr size_t kSize = 64;
  auto end = steady_clock::now() + time;
  std::thread sender([socket, end] {
    char data[kSize] = {};
    for (auto next = steady_clock::now(); next < end; next += milliseconds(1)) {
      std::this_thread::sleep_until(next);
      Stamp now = steady_clock::now();
      std::memcpy(data, &now, sizeof(now));
      if (send(socket, data, kSize, MSG_NOSIGNAL) != kSize) break;
    }
  });
  std::vector<double> out;
  char data[kSize];
  pollfd readable = {socket, POLLIN, 0};
  while (poll(&readable, 1, 300) > 0 && recv(socket, data, kSize, MSG_WAITALL) == kSize) {
    Stamp sent;
    std::memcpy(&sent, data, sizeof(sent));
    out.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - sent).count());
  }
  sender.join();
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace plimsoll::testing
