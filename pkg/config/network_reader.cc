// The "network" section of the node's configuration.
#include <algorithm>

#include "pkg/config/network.h"
#include "pkg/config/reader.h"
#include "pkg/model/quantity.h"
#include "pkg/model/value.h"

namespace plimsoll::config {
namespace {

constexpr std::string_view kNetworkKeys[] = {"enabled", "uplinks", "rate",       "headroom",
                                             "shares",  "ecn",     "manageQdisc"};
constexpr std::string_view kShareKeys[] = {"normal", "besteffort"};
constexpr size_t kLongestDevice = 15;  // IFNAMSIZ - 1
constexpr size_t kMostUplinks = 16;
constexpr int64_t kMostHeadroom = 5'000, kMostShares = 9'000;  // hundredths of a per cent

bool isDevice(std::string_view name) {
  if (name.empty() || name.size() > kLongestDevice || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == ':' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
}

std::optional<bool> readFlag(const Entry& entry, Problems& problems) {
  const auto word = readText(entry, problems);
  if (!word) return std::nullopt;
  if (*word != "true" && *word != "false") problems.add(entry.line, entry.key + " wants true or false");
  return *word == "true";
}

void readUplinks(const Entry& entry, NetworkConfig& network, Problems& problems) {
  network.uplinks = readTexts(entry, problems);
  if (network.uplinks.size() > kMostUplinks)
    problems.add(entry.line, "uplinks takes at most " + std::to_string(kMostUplinks) + " devices");
  for (const std::string& name : network.uplinks) {
    if (!isDevice(name)) problems.add(entry.line, model::inQuotes(name) + " is no network device's name");
  }
}

void readRate(const Entry& entry, NetworkConfig& network, Problems& problems) {
  auto text = readText(entry, problems);
  if (!text) return;
  auto value = model::parseValue(*model::findSetting("net.pod.egress.rate")->spec, *text);
  if (!value || *value == model::Value(model::Number{model::kMax})) {
    problems.add(entry.line,
                 "rate wants the line's bits per second, such as 10G, not " + model::inQuotes(*text));
    return;
  }
  network.bits_per_second = static_cast<uint64_t>(std::get<model::Number>(*value).value);
}

int readPercent(const Entry& entry, int64_t most, int otherwise, Problems& problems) {
  auto text = readText(entry, problems);
  if (!text) return otherwise;
  auto value = model::parsePercent(*text);
  if (value && *value <= most) return static_cast<int>(*value);
  problems.add(entry.line, entry.key + " wants a percentage from 0% to " + model::formatPercent(most) +
                               ", not " + model::inQuotes(*text));
  return otherwise;
}

void readShares(const Entry& entry, NetworkConfig& network, Problems& problems) {
  if (!checkMap(entry.value, entry.line, "shares", kShareKeys, problems)) return;
  for (const Entry& e : entry.value.entries) {
    int& share = e.key == "normal" ? network.normal_share : network.besteffort_share;
    share = readPercent(e, kMostShares, share, problems);
  }
  if (network.normal_share + network.besteffort_share > kMostShares)
    problems.add(entry.line, "shares are more than 90% together, which leaves nothing for the classes above");
}

}  // namespace

NetworkConfig readNetwork(const Entry& entry, Problems& problems) {
  NetworkConfig network;
  if (!checkMap(entry.value, entry.line, "network", kNetworkKeys, problems)) return network;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "enabled") network.enabled = readFlag(e, problems).value_or(false);
    if (e.key == "uplinks") readUplinks(e, network, problems);
    if (e.key == "rate") readRate(e, network, problems);
    if (e.key == "headroom") network.headroom = readPercent(e, kMostHeadroom, network.headroom, problems);
    if (e.key == "shares") readShares(e, network, problems);
    if (e.key == "ecn") network.ecn = readFlag(e, problems).value_or(true);
    if (e.key == "manageQdisc") network.manage_qdisc = readFlag(e, problems).value_or(false);
  }
  return network;
}

}  // namespace plimsoll::config
