// The events of NRI as a set. Values and names are NRI's (nri.proto, enum Event).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace plimsoll::nri {

enum class Event : uint8_t {
  RunPodSandbox = 1,
  StopPodSandbox,
  RemovePodSandbox,
  CreateContainer,
  PostCreateContainer,
  StartContainer,
  PostStartContainer,
  UpdateContainer,
  PostUpdateContainer,
  StopContainer,
  RemoveContainer,
  UpdatePodSandbox,
  PostUpdatePodSandbox,
  ValidateContainerAdjustment,
};
constexpr int kEventCount = 14;

// "CreateContainer"; also the name of the RPC.
std::string_view eventName(Event event);

class EventMask {
 public:
  constexpr EventMask() = default;
  constexpr EventMask(std::initializer_list<Event> events) {
    for (Event event : events) bits_ |= bit(event);
  }
  static constexpr EventMask fromBits(uint32_t bits) {
    EventMask mask;
    mask.bits_ = bits;
    return mask;
  }

  constexpr uint32_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool contains(Event event) const { return (bits_ & bit(event)) != 0; }
  constexpr EventMask operator|(EventMask other) const { return fromBits(bits_ | other.bits_); }
  constexpr EventMask operator&(EventMask other) const { return fromBits(bits_ & other.bits_); }
  constexpr bool operator==(const EventMask&) const = default;

 private:
  static constexpr uint32_t bit(Event event) { return 1U << (static_cast<uint32_t>(event) - 1); }
  uint32_t bits_ = 0;
};

// A runtime refuses a plugin that asks for a bit beyond its own mask.
constexpr EventMask kEventsBefore010 = EventMask::fromBits(0x07FF);
constexpr EventMask kEventsSince010 = EventMask::fromBits(0x3FFF);

}  // namespace plimsoll::nri
