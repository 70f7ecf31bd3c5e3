// Messages as the kernel sends them, and as it never would.
#include "pkg/rtnl/messages.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace plimsoll::rtnl {
namespace {

class Message {
 public:
  template <typename Header>
  explicit Message(const Header& header) {
    put(&header, sizeof header);
  }
  Message& add(uint16_t type, const std::string& value) {
    rtattr attribute = {static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
    put(&attribute, sizeof attribute);
    put(value.data(), value.size());
    return *this;
  }
  Message& add(uint16_t type, uint32_t value) {
    return add(type, std::string(reinterpret_cast<const char*>(&value), sizeof value));
  }
  const std::string& text() const { return text_; }
  Bytes bytes() const { return text_; }

 private:
  void put(const void* data, size_t size) {
    text_.append(static_cast<const char*>(data), size);
    text_.resize(NLMSG_ALIGN(text_.size()));
  }
  std::string text_;
};

std::string nested(uint16_t type, const std::string& value) {
  rtattr attribute = {static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
  std::string out(reinterpret_cast<const char*>(&attribute), sizeof attribute);
  out += value;
  out.resize(NLMSG_ALIGN(out.size()));
  return out;
}

Message vethMessage() {
  ifinfomsg header = {};
  header.ifi_index = 12;
  return Message(header)
      .add(IFLA_IFNAME, std::string("veth1\0", 6))
      .add(IFLA_QDISC, std::string("noqueue\0", 8))
      .add(IFLA_LINK, 2u)
      .add(IFLA_LINK_NETNSID, 3u)
      .add(IFLA_LINKINFO | NLA_F_NESTED, nested(IFLA_INFO_KIND, std::string("veth\0", 5)));
}

TEST(RtnlMessages, ADeviceWithItsOtherEnd) {
  auto device = deviceFrom(vethMessage().bytes());
  ASSERT_TRUE(device);
  EXPECT_EQ(device->ifindex, 12u);
  EXPECT_EQ(device->name, "veth1");
  EXPECT_EQ(device->kind, "veth");
  EXPECT_EQ(device->queue, "noqueue");
  EXPECT_EQ(device->link, 2u);
  EXPECT_EQ(device->nsid, 3);
}

TEST(RtnlMessages, ADeviceCutAnywhereIsOneWithLess) {
  const std::string whole = vethMessage().text();
  for (size_t size = 0; size < whole.size(); ++size) {
    auto device = deviceFrom(Bytes(whole.data(), size));
    EXPECT_EQ(device.has_value(), size >= sizeof(ifinfomsg)) << size;
    if (device) {
      EXPECT_TRUE(device->kind.empty() || size == whole.size()) << size;
    }
  }
}

TEST(RtnlMessages, NoLengthIsTrusted) {
  std::string text = vethMessage().text();
  for (size_t at = sizeof(ifinfomsg); at < text.size(); ++at) {
    for (char byte : {'\x00', '\x01', '\x7f', '\xff'}) {
      std::string broken = text;
      broken[at] = byte;
      (void)deviceFrom(broken);  // reads within bounds: the sanitizers' matter
      (void)filterFrom(broken);
      (void)defaultRouteFrom(broken);
    }
  }
}

TEST(RtnlMessages, OnlyDefaultRoutesOfTheMainTable) {
  rtmsg header = {};
  header.rtm_type = RTN_UNICAST;
  header.rtm_table = RT_TABLE_MAIN;
  auto route = defaultRouteFrom(Message(header).add(RTA_OIF, 4u).add(RTA_PRIORITY, 100u).bytes());
  ASSERT_TRUE(route);
  EXPECT_EQ(route->device, 4u);
  EXPECT_EQ(route->metric, 100u);
  EXPECT_FALSE(defaultRouteFrom(Message(header).add(RTA_OIF, 4u).add(RTA_TABLE, 77u).bytes()));
  EXPECT_FALSE(defaultRouteFrom(Message(header).bytes())) << "no device";
  rtnexthop hop = {};
  hop.rtnh_len = sizeof hop;
  hop.rtnh_ifindex = 9;
  const std::string hops(reinterpret_cast<const char*>(&hop), sizeof hop);
  EXPECT_EQ(defaultRouteFrom(Message(header).add(RTA_MULTIPATH, hops).bytes())->device, 9u);
  header.rtm_dst_len = 24;
  EXPECT_FALSE(defaultRouteFrom(Message(header).add(RTA_OIF, 4u).bytes()));
}

TEST(RtnlMessages, AFilterWithItsProgram) {
  tcmsg header = {};
  header.tcm_ifindex = 3;
  header.tcm_handle = 0x504c;
  header.tcm_info = TC_H_MAKE(45000u << 16, 0);
  const std::string options = nested(TCA_BPF_NAME, std::string("plm_pod_out:[7]\0", 16)) +
                              nested(TCA_BPF_ID, std::string("\7\0\0\0", 4));
  auto filter =
      filterFrom(Message(header).add(TCA_KIND, std::string("bpf\0", 4)).add(TCA_OPTIONS, options).bytes());
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->priority, 45000u);
  EXPECT_EQ(filter->handle, 0x504cu);
  EXPECT_EQ(filter->kind, "bpf");
  EXPECT_EQ(filter->name, "plm_pod_out:[7]");
  EXPECT_EQ(filter->program_id, 7u);
}

std::string framed(uint16_t type, uint16_t flags, uint32_t sequence, const std::string& body) {
  nlmsghdr header = {};
  header.nlmsg_len = NLMSG_LENGTH(body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += body;
  out.resize(NLMSG_ALIGN(out.size()));
  return out;
}

TEST(RtnlMessages, AnAnswerEndsWhereItSays) {
  int seen = 0;
  auto count = [&seen](uint16_t, Bytes) { ++seen; };
  const std::string one = framed(RTM_NEWLINK, NLM_F_MULTI, 5, "abcd");
  const std::string other = framed(RTM_NEWLINK, NLM_F_MULTI, 4, "abcd");
  const std::string done = framed(NLMSG_DONE, NLM_F_MULTI, 5, std::string(4, '\0'));
  EXPECT_FALSE(walk(one + other + one, 5, count).done);
  EXPECT_EQ(seen, 2) << "one was of another question";
  EXPECT_TRUE(walk(one + done, 5, count).done);
  const int err = -19;
  const std::string failed = framed(NLMSG_ERROR, 0, 5, std::string(reinterpret_cast<const char*>(&err), 4));
  EXPECT_EQ(walk(failed, 5, count).error, 19);
  for (size_t cut = 1; cut < one.size(); ++cut)
    EXPECT_TRUE(walk(Bytes(one.data(), cut), 5, count).broken) << cut;
}

TEST(RtnlMessages, NewsAreTakenWhateverTheirSequence) {
  int seen = 0;
  auto count = [&seen](uint16_t, Bytes) { ++seen; };
  const std::string of_kernel = framed(RTM_NEWLINK, 0, 0, "abcd");
  const std::string of_somebody = framed(RTM_DELLINK, 0, 1'732'000'000, "abcd");
  EXPECT_FALSE(walk(of_kernel + of_somebody + of_kernel, std::nullopt, count).broken);
  EXPECT_EQ(seen, 3);
}

// Every length of every prefix, and every byte turned: something or nothing, and never read beyond.
TEST(RtnlMessages, SurvivesGarbage) {
  const rtmsg header = {.rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
  const std::string body = Message(header).add(RTA_OIF, 2u).add(RTA_PRIORITY, 1u).text();
  const std::string dump = framed(RTM_NEWROUTE, NLM_F_MULTI, 5, body) +
                           framed(RTM_NEWLINK, NLM_F_MULTI, 5, vethMessage().text()) +
                           framed(NLMSG_DONE, NLM_F_MULTI, 5, std::string(4, '\0'));
  size_t devices = 0, routes = 0;
  auto take = [&](uint16_t, Bytes message) {
    devices += deviceFrom(message).has_value();
    routes += defaultRouteFrom(message).has_value();
    (void)queueFrom(message);
    (void)filterFrom(message);
    (void)nsidFrom(message);
  };
  EXPECT_TRUE(walk(dump, 5, take).done);
  EXPECT_EQ(devices + routes, 3u) << "a link's header is long enough for a route's, and the other way round";
  for (size_t length = 0; length <= dump.size(); ++length) {
    const std::string piece = dump.substr(0, length);  // of this length, so that reading beyond is seen
    (void)walk(piece, 5, take);
  }
  for (size_t at = 0; at < dump.size(); ++at) {
    for (int value : {0, 1, 2, 3, 4, 127, 255}) {
      std::string turned = dump;
      turned[at] = static_cast<char>(value);
      (void)walk(turned, 5, take);
    }
  }
}

}  // namespace
}  // namespace plimsoll::rtnl
