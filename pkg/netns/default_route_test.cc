// Pieces of routing dumps, good and bad, as the kernel would send them.
#include "pkg/netns/default_route.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace plimsoll::netns {
namespace {

template <typename T>
std::string bytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string padded(std::string text) {
  text.resize((text.size() + 3) / 4 * 4);
  return text;
}

std::string attribute(unsigned short type, const std::string& value) {
  return padded(bytesOf(rtattr{static_cast<unsigned short>(sizeof(rtattr) + value.size()), type}) + value);
}

std::string message(unsigned short type, const std::string& body) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<unsigned>(sizeof header + body.size());
  header.nlmsg_type = type;
  return padded(bytesOf(header) + body);
}

struct Route {
  unsigned char length = 0, table = RT_TABLE_MAIN, type = RTN_UNICAST;
  uint32_t link = 0, metric = 0, first_hop = 0;
};

std::string routeMessage(const Route& route) {
  rtmsg body{};
  body.rtm_dst_len = route.length;
  body.rtm_table = route.table;
  body.rtm_type = route.type;
  std::string text = bytesOf(body);
  if (route.link != 0) text += attribute(RTA_OIF, bytesOf(route.link));
  if (route.metric != 0) text += attribute(RTA_PRIORITY, bytesOf(route.metric));
  if (route.first_hop != 0) {
    rtnexthop hop{};
    hop.rtnh_len = sizeof hop;
    hop.rtnh_ifindex = static_cast<int>(route.first_hop);
    text += attribute(RTA_MULTIPATH, bytesOf(hop));
  }
  return message(RTM_NEWROUTE, text);
}

const std::string kDone = message(NLMSG_DONE, bytesOf(0));

TEST(TakeRoutes, TheLowestMetricOfTheMainTableWins) {
  RouteChoice choice;
  const std::string dump = routeMessage({.link = 7, .metric = 100}) +
                           routeMessage({.link = 3, .metric = 50}) + routeMessage({.length = 24, .link = 4}) +
                           routeMessage({.table = RT_TABLE_LOCAL, .link = 5}) +
                           routeMessage({.type = RTN_BLACKHOLE, .link = 6}) + kDone;
  auto done = takeRoutes(dump, choice);
  ASSERT_TRUE(done);
  EXPECT_TRUE(*done);
  EXPECT_EQ(choice.link, 3u);
  EXPECT_EQ(choice.metric, 50u);
}

TEST(TakeRoutes, GoesOnInTheNextPiece) {
  RouteChoice choice;
  EXPECT_FALSE(*takeRoutes(routeMessage({.link = 2}), choice));
  EXPECT_TRUE(*takeRoutes(kDone, choice));
  EXPECT_EQ(choice.link, 2u);
}

TEST(TakeRoutes, OfSeveralLinksTheFirst) {
  RouteChoice choice;
  EXPECT_TRUE(*takeRoutes(routeMessage({.first_hop = 9}) + kDone, choice));
  EXPECT_EQ(choice.link, 9u);
}

TEST(TakeRoutes, TellsTheKernelsError) {
  RouteChoice choice;
  auto failed = takeRoutes(message(NLMSG_ERROR, bytesOf(-EPERM) + std::string(16, '\0')), choice);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().sys_errno, EPERM);
}

// Every length of every prefix, and every byte turned: an error or an answer, and nothing is read beyond.
TEST(TakeRoutes, SurvivesGarbage) {
  const std::string dump = routeMessage({.link = 2, .metric = 1, .first_hop = 3}) + kDone;
  for (size_t length = 0; length <= dump.size(); ++length) {
    RouteChoice choice;
    const std::string piece = dump.substr(0, length);
    (void)takeRoutes(piece, choice);
  }
  for (size_t at = 0; at < dump.size(); ++at) {
    for (int value : {0, 1, 2, 3, 4, 127, 255}) {
      std::string turned = dump;
      turned[at] = static_cast<char>(value);
      RouteChoice choice;
      (void)takeRoutes(turned, choice);
    }
  }
}

}  // namespace
}  // namespace plimsoll::netns
