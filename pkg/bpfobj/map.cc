#include "pkg/bpfobj/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "pkg/bpfobj/libbpf_log.h"

namespace plimsoll::bpfobj {
namespace {

bool isPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

size_t pageRounded(size_t bytes) {
  size_t page = sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

}  // namespace

base::Result<uint32_t> possibleCpus() {
  int count = libbpf_num_possible_cpus();
  if (count <= 0) return libbpfError(count, "count possible CPUs");
  return count;
}

base::Result<Map> Map::adopt(base::UniqueFd fd, const std::string& what) {
  bpf_map_info raw = {};
  __u32 size = sizeof(raw);
  if (int err = bpf_map_get_info_by_fd(fd.get(), &raw, &size)) return libbpfError(err, "describe " + what);
  MapInfo info{raw.type, raw.id, raw.key_size, raw.value_size, raw.max_entries, raw.map_flags, raw.name};
  return Map(std::move(fd), std::move(info));
}

base::Result<Map> Map::openPinned(const std::string& path) {
  base::UniqueFd fd(bpf_obj_get(path.c_str()));
  if (fd.get() < 0) return libbpfError(errno, "open pinned map " + path);
  return adopt(std::move(fd), path);
}

base::Result<Map> Map::duplicate(int fd) {
  base::UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return base::errnoError(errno, "duplicate a map's descriptor");
  return adopt(std::move(copy), "a map");
}

size_t Map::valueBytes() const {
  if (!isPerCpu(info_.type)) return info_.value_size;
  auto cpus = possibleCpus();
  return cpus ? (info_.value_size + 7) / 8 * 8 * *cpus : 0;
}

base::Status Map::checkSize(size_t bytes) const {
  if (bytes == valueBytes() && bytes != 0) return base::ok();
  return base::invalidArgument("value of " + std::to_string(bytes) + " bytes for map " + info_.name + " of " +
                               std::to_string(valueBytes()));
}

base::Status Map::read(const void* key, std::span<std::byte> value) const {
  RETURN_IF_ERROR(checkSize(value.size()));
  if (int err = bpf_map_lookup_elem(fd(), key, value.data()))
    return libbpfError(err, "read from map " + info_.name);
  return base::ok();
}

base::Status Map::write(const void* key, std::span<const std::byte> value) const {
  RETURN_IF_ERROR(checkSize(value.size()));
  if (int err = bpf_map_update_elem(fd(), key, value.data(), BPF_ANY))
    return libbpfError(err, "write to map " + info_.name);
  return base::ok();
}

base::Status Map::erase(const void* key) const {
  if (int err = bpf_map_delete_elem(fd(), key)) return libbpfError(err, "erase from map " + info_.name);
  return base::ok();
}

base::Result<std::vector<std::byte>> Map::readArray(uint32_t first, uint32_t count) const {
  size_t each = valueBytes();
  if (each == 0 || first > info_.max_entries || count > info_.max_entries - first)
    return base::error(base::ErrorCode::OutOfRange, "elements beyond the end of map " + info_.name);
  std::vector<std::byte> values(each * count);
  // An array's batch position is its last index read; null begins at 0.
  std::vector<uint32_t> keys(count);
  uint32_t before = first - 1, after = 0, done = count;
  if (count == 0) return values;
  int err = bpf_map_lookup_batch(fd(), first == 0 ? nullptr : &before, &after, keys.data(), values.data(),
                                 &done, nullptr);
  if ((err == 0 || errno == ENOENT) && done == count) return values;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t key = first + i;
    RETURN_IF_ERROR(read(&key, std::span(values).subspan(i * each, each)));
  }
  return values;
}

base::Result<MappedArray> MappedArray::map(const Map& map) {
  const MapInfo& info = map.info();
  if (!(info.flags & BPF_F_MMAPABLE)) return base::invalidArgument("map " + info.name + " cannot be mapped");
  size_t size = size_t{(info.value_size + 7) / 8 * 8} * info.max_entries;
  void* data = mmap(nullptr, pageRounded(size), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd(), 0);
  if (data == MAP_FAILED) return base::errnoError(errno, "map the memory of " + info.name);
  MappedArray out;
  out.data_ = static_cast<std::byte*>(data);
  out.size_ = size;
  return out;
}

MappedArray::MappedArray(MappedArray&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedArray& MappedArray::operator=(MappedArray&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedArray::~MappedArray() {
  if (data_ != nullptr) munmap(data_, pageRounded(size_));
}

}  // namespace plimsoll::bpfobj
