// A BPF map, held by its descriptor.
//
// Not for: making maps; they come from an object (object.h) or from a pin.
//
// Errors: NotFound where the key, pin or map does not exist; PermissionDenied without CAP_BPF. Threads: any;
// the kernel serialises single operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::bpfobj {

struct MapInfo {
  uint32_t type = 0;
  uint32_t id = 0;
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;
  std::string name;
};

class Map {
 public:
  static base::Result<Map> openPinned(const std::string& path);
  // Takes another reference to the same map.
  static base::Result<Map> duplicate(int fd);

  int fd() const { return fd_.get(); }
  const MapInfo& info() const { return info_; }

  // `value` has info().value_size bytes; of a per-CPU map, that rounded up to 8 for each possible CPU.
  base::Status read(const void* key, std::span<std::byte> value) const;
  base::Status write(const void* key, std::span<const std::byte> value) const;
  base::Status erase(const void* key) const;

  // All of an array in one call: element i is at i * value size. Falls back to one call each where the kernel
  // has no batches for this type.
  base::Result<std::vector<std::byte>> readArray(uint32_t first, uint32_t count) const;

 private:
  Map(base::UniqueFd fd, MapInfo info) : fd_(std::move(fd)), info_(std::move(info)) {}
  static base::Result<Map> adopt(base::UniqueFd fd, const std::string& what);
  base::Status checkSize(size_t bytes) const;
  size_t valueBytes() const;

  base::UniqueFd fd_;
  MapInfo info_;
};

// Number of CPUs that a per-CPU map has a value for.
base::Result<uint32_t> possibleCpus();

// The whole of an array map that was made with BPF_F_MMAPABLE, as memory of this process. Stores are seen by
// running programs at once, so the caller stores aligned words.
class MappedArray {
 public:
  static base::Result<MappedArray> map(const Map& map);
  MappedArray() = default;
  MappedArray(MappedArray&& other) noexcept;
  MappedArray& operator=(MappedArray&& other) noexcept;
  ~MappedArray();

  std::span<std::byte> bytes() const { return {data_, size_}; }
  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data_), size_ / sizeof(T)};
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;  // of the elements; the mapping is rounded up to whole pages
};

}  // namespace plimsoll::bpfobj
