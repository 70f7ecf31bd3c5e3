#include "tests/bpf/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace plimsoll::testing {

using std::chrono::steady_clock;

Namespace::Namespace() {
  std::thread maker([this] {
    if (unshare(CLONE_NEWNET) != 0) return;
    fd_.reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  });
  maker.join();
}

void Namespace::run(const std::function<void()>& work) const {
  std::thread worker([&] {
    if (setns(fd_.get(), CLONE_NEWNET) == 0) work();
  });
  worker.join();
}

int Namespace::shell(const std::string& command) const {
  int code = -1;
  run([&] { code = std::system(command.c_str()); });
  return code;
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

Node::Node() {
  std::string setup =
      "set -e; PATH=$PATH:/usr/sbin:/sbin\n"
      "ip link set lo up; echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad\n"
      "ip link add pod0 type veth peer name eth0 netns " +
      pod.path() + "\n" + "ip link add up0 type veth peer name eth0 netns " + peer.path() + "\n" +
      "ip addr add 10.1.1.1/24 dev pod0; ip addr add 10.2.2.1/24 dev up0\n"
      "ip -6 addr add fd01::1/64 dev pod0 nodad; ip -6 addr add fd02::1/64 dev up0 nodad\n"
      "ip link set pod0 up; ip link set up0 up\n"
      "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n";
  auto side = [](const std::string& net) {
    return "set -e; PATH=$PATH:/usr/sbin:/sbin\n"
           "ip link set lo up; echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad; ip addr add 10." +
           net + "." + net +
           ".2/24 dev eth0\n"
           "ip -6 addr add fd0" +
           net +
           "::2/64 dev eth0 nodad; ip link set eth0 up\n"
           "ip route add default via 10." +
           net + "." + net + ".1; ip -6 route add default via fd0" + net + "::1\n";
  };
  ready = host.shell(setup) == 0 && pod.shell(side("1")) == 0 && peer.shell(side("2")) == 0;
  host.run([this] {
    pod_link = if_nametoindex("pod0");
    uplink = if_nametoindex("up0");
  });
}

Sink::Sink(const Namespace& where, Transport transport) : transport_(transport) {
  where.run([this] {
    socket_.reset(
        socket(AF_INET6, (transport_ == Transport::Tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
    int off = 0, room = 8 << 20;
    setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (transport_ == Transport::Udp)
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    socklen_t size = sizeof(address);
    if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return;
    if (transport_ == Transport::Tcp && listen(socket_.get(), 16) != 0) return;
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin6_port);
  });
  thread_ = std::thread([this] { serve(); });
}

Sink::~Sink() {
  stop_ = true;
  thread_.join();
}

void Sink::serve() {
  std::vector<pollfd> polled = {{socket_.get(), POLLIN, 0}};
  std::vector<base::UniqueFd> accepted;
  std::vector<char> buffer(1 << 20);
  while (!stop_) {
    if (poll(polled.data(), polled.size(), 20) <= 0) continue;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      if (i == 0 && transport_ == Transport::Tcp) {
        accepted.emplace_back(accept4(polled[0].fd, nullptr, nullptr, SOCK_CLOEXEC));
        polled.push_back({accepted.back().get(), POLLIN, 0});
        break;  // the vector moved
      }
      ssize_t got = recv(polled[i].fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) bytes_ += got;
      if (got == 0 && transport_ == Transport::Tcp) polled[i].fd = -1;
    }
  }
}

base::UniqueFd connectTo(const Namespace& from, const Sink& sink, Transport transport, bool ipv6,
                         const std::string& congestion) {
  base::UniqueFd out;
  from.run([&] {
    int kind = transport == Transport::Tcp ? SOCK_STREAM : SOCK_DGRAM;
    base::UniqueFd fd(socket(ipv6 ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC, 0));
    if (transport == Transport::Tcp)
      setsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, congestion.data(), congestion.size());
    sockaddr_in v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(sink.port());
    inet_pton(AF_INET, "10.2.2.2", &v4.sin_addr);
    sockaddr_in6 v6 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(sink.port());
    inet_pton(AF_INET6, "fd02::2", &v6.sin6_addr);
    auto* address = ipv6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    if (connect(fd.get(), address, ipv6 ? sizeof(v6) : sizeof(v4)) == 0) out = std::move(fd);
  });
  return out;
}

uint64_t sendFor(int socket, std::chrono::milliseconds time, size_t size) {
  std::vector<char> data(1 << 16, 'x');
  int kind = 0;
  socklen_t kind_size = sizeof(kind);
  getsockopt(socket, SOL_SOCKET, SO_TYPE, &kind, &kind_size);
  uint64_t sent = 0;
  auto end = steady_clock::now() + time;
  while (steady_clock::now() < end) {
    ssize_t done =
        send(socket, data.data(), kind == SOCK_STREAM ? data.size() : size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done > 0) {
      sent += done;
    } else if (errno == EAGAIN) {
      pollfd writable = {socket, POLLOUT, 0};
      poll(&writable, 1, 10);
    }
  }
  return sent;
}

SteadySender::SteadySender(int socket)
    : thread_([this, socket] {
        for (; !stop_; ++sent_, usleep(50)) (void)!send(socket, "0123456789", 10, 0);
      }) {}

uint64_t SteadySender::stop() {
  stop_ = true;
  if (thread_.joinable()) {
    thread_.join();
    usleep(50'000);
  }
  return sent_;
}

}  // namespace plimsoll::testing
