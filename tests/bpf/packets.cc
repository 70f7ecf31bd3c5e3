#include "tests/bpf/packets.h"

#include <algorithm>

namespace plimsoll::testing {
namespace {

void put16(Bytes& out, uint16_t value) {
  out.push_back(value >> 8);
  out.push_back(value & 0xff);
}

void put32(Bytes& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

uint16_t sumOf(const uint8_t* data, std::size_t size) {
  uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < size; i += 2) sum += data[i] << 8 | data[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

std::size_t networkStart(const Bytes& packet) {
  std::size_t at = 12;
  while (packet.at(at) == 0x81 && packet.at(at + 1) == 0) at += 4;
  return at + 2;
}

Bytes transport(const PacketSpec& spec) {
  Bytes out;
  put16(out, 40000);
  put16(out, 80);
  if (spec.tcp) {
    put32(out, 1);
    put32(out, 1);
    put16(out, 8 << 12 | 0x10);  // 32 bytes: with timestamps; ACK
    put16(out, 1000);
    put32(out, 0);
    out.resize(32);
  } else {
    put16(out, 8 + spec.payload);
    put16(out, 0);
  }
  out.resize(out.size() + spec.payload, 0x5a);
  return out;
}

void putIpv4(Bytes& out, const PacketSpec& spec, std::size_t body) {
  std::size_t start = out.size(), header = 20 + 4 * spec.options_words;
  out.push_back(0x40 | (5 + spec.options_words));
  out.push_back(spec.traffic_class);
  put16(out, header + body);
  put16(out, 7);
  put16(out, spec.later_fragment ? 100 : 0);
  out.push_back(64);
  out.push_back(spec.tcp ? 6 : 17);
  put16(out, 0);
  put32(out, 0x0a000001);
  put32(out, 0x0a000002);
  out.resize(start + header, 1);  // no-operation options
  uint16_t sum = ~sumOf(&out[start], header);
  out[start + 10] = sum >> 8;
  out[start + 11] = sum & 0xff;
}

void putIpv6(Bytes& out, const PacketSpec& spec, std::size_t body) {
  put32(out, 6u << 28 | spec.traffic_class << 20 | 0x12345);
  put16(out, body);
  out.push_back(spec.tcp ? 6 : 17);
  out.push_back(64);
  for (int end = 1; end <= 2; ++end) {
    put16(out, 0xfd00);
    out.resize(out.size() + 13);
    out.push_back(end);
  }
}

}  // namespace

Bytes buildPacket(const PacketSpec& spec) {
  Bytes out(12, 2);
  for (int i = 0; i < spec.vlan_tags; ++i) {
    put16(out, 0x8100);
    put16(out, 5);
  }
  put16(out, spec.version == 4 ? 0x0800 : spec.version == 6 ? 0x86dd : 0x88b5);
  Bytes body = transport(spec);
  if (spec.version == 4) putIpv4(out, spec, body.size());
  if (spec.version == 6) putIpv6(out, spec, body.size());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Bytes wrapInVxlan(const Bytes& inner) {
  Bytes out = buildPacket({.tcp = false, .payload = 8 + inner.size()});
  std::copy(inner.begin(), inner.end(), out.end() - static_cast<long>(inner.size()));
  return out;
}

uint8_t trafficClassOf(const Bytes& packet) {
  std::size_t at = networkStart(packet);
  if (packet.at(at) >> 4 == 4) return packet.at(at + 1);
  return packet.at(at) << 4 | packet.at(at + 1) >> 4;
}

bool ipChecksumRight(const Bytes& packet) {
  std::size_t at = networkStart(packet);
  return sumOf(&packet[at], (packet.at(at) & 0xf) * 4) == 0xffff;
}

}  // namespace plimsoll::testing
