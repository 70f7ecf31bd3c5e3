// The journal's unit on the disk: a header, a payload and a checksum over both, at a multiple of 8 bytes. A
// reader finds its way again after any damage, since each frame begins with a marker.
//
// Not here: what a payload means (codec.h), or where frames lie in the file (store.h). Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::journal {

// The numbers stand in files. A reader passes over kinds that it does not know.
enum class FrameKind : uint16_t {
  Record = 1,       // something happened
  OldRecord = 2,    // the same, taken along when the file was compacted: for the history only
  Snapshot = 3,     // changes that are open at a compaction
  SnapshotEnd = 4,  // how many they were: without it the snapshot is not whole
};

struct Frame {
  FrameKind kind = FrameKind::Record;
  uint32_t generation = 0;   // counts compactions: which half of the file is the newer one
  uint64_t boot = 0;         // of the machine; a record of another boot says nothing about the present kernel
  std::string_view payload;  // points into what was scanned
};

// In the machine's byte order: the file never leaves it.
void appendFrame(const Frame& frame, std::string& out);
size_t frameSize(size_t payload_bytes);

struct Scan {
  std::vector<Frame> frames;
  size_t end = 0;      // behind the last whole frame
  size_t damaged = 0;  // places between whole frames that held something else
  bool torn = false;   // something else than zeroes behind the last whole frame
};
// Takes any bytes.
Scan scanFrames(std::string_view bytes);

uint32_t checksum(std::string_view bytes);

}  // namespace plimsoll::journal
