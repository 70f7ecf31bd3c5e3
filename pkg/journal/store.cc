#include "pkg/journal/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plimsoll::journal {
namespace {

using base::UniqueFd;

constexpr char kFileName[] = "journal";
constexpr char kNewName[] = "journal.new";
constexpr char kLockName[] = "lock";
constexpr size_t kPage = 4096;
constexpr size_t kSmallestHalf = 4 * kPage;
constexpr size_t kLargestFile = 1 << 30;  // none of ours is longer
constexpr uint32_t kVersion = 1;

struct FileHeader {
  char magic[8] = {'P', 'L', 'M', 'S', 'J', 'R', 'N', 'L'};
  uint32_t version = kVersion;
  uint32_t crc = 0;  // of what follows, and of the version
  uint64_t half_bytes = 0;
};
static_assert(sizeof(FileHeader) == 24);

uint32_t headerChecksum(const FileHeader& header) {
  std::string checked(reinterpret_cast<const char*>(&header.version), sizeof header.version);
  checked.append(reinterpret_cast<const char*>(&header.half_bytes), sizeof header.half_bytes);
  return checksum(checked);
}

tl::unexpected<base::Error> failed(std::string_view what) { return base::errnoError(errno, what); }

Status writeAll(int fd, std::string_view bytes, off_t at) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write the journal");
    if (n == 0) return base::errnoError(EIO, "write the journal");
    bytes.remove_prefix(static_cast<size_t>(n));
    at += n;
  }
  return base::ok();
}

Status writeZeroes(int fd, size_t bytes, off_t at) {
  static constexpr char kZeroes[64 << 10] = {};
  for (size_t left = bytes; left > 0;) {
    const size_t n = std::min(left, sizeof kZeroes);
    RETURN_IF_ERROR(writeAll(fd, {kZeroes, n}, at));
    at += static_cast<off_t>(n);
    left -= n;
  }
  return base::ok();
}

Result<std::string> readRange(int fd, size_t bytes, off_t at) {
  std::string text(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t n = pread(fd, text.data() + have, bytes - have, at + static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read the journal");
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  text.resize(have);
  return text;
}

// Makes room for a file that is `have` bytes long. Not every file system can allocate ahead; zeroes that were
// written are as good.
Status allocate(int fd, size_t have, size_t want) {
  if (fallocate(fd, 0, 0, static_cast<off_t>(want)) == 0) return base::ok();
  if (errno != EOPNOTSUPP) return failed("allocate " + std::to_string(want) + " bytes for the journal");
  return writeZeroes(fd, want - have, static_cast<off_t>(have));
}

Content::Kind kindOf(const FileHeader& header, size_t file_bytes) {
  if (memcmp(header.magic, FileHeader{}.magic, sizeof header.magic) != 0) return Content::Kind::Foreign;
  if (headerChecksum(header) != header.crc) return Content::Kind::Foreign;
  if (header.version > kVersion) return Content::Kind::Later;
  // Cut off at its end it is still ours.
  const bool sane = header.half_bytes >= kSmallestHalf && header.half_bytes <= kLargestFile / 2 &&
                    header.half_bytes % kPage == 0 && file_bytes > sizeof header;
  return sane ? Content::Kind::Ours : Content::Kind::Foreign;
}

uint32_t newestOf(const Scan& scan) {
  uint32_t newest = 0;
  for (const Frame& frame : scan.frames) newest = std::max(newest, frame.generation);
  return newest;
}

void scanHalves(Content& content) {
  const std::string_view all = content.bytes;
  for (int half : {0, 1}) {
    const size_t begin = std::min(all.size(), kPage + static_cast<size_t>(half) * content.half_bytes);
    content.halves[half] = scanFrames(all.substr(begin, content.half_bytes));
    const Scan& scan = content.halves[half];
    content.damaged += scan.damaged;
    content.frames.insert(content.frames.end(), scan.frames.begin(), scan.frames.end());
  }
  content.newest_half = newestOf(content.halves[1]) > newestOf(content.halves[0]) ? 1 : 0;
  const Scan& newest = content.halves[content.newest_half];
  content.end = newest.end;
  content.torn = newest.torn;
}

Status tryLock(const UniqueFd& lock, const std::string& path) {
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return base::ok();
  if (errno != EWOULDBLOCK) return failed("lock " + path + "/" + kLockName);
  auto holder = readRange(lock.get(), 20, 0);
  std::string who = holder && !holder->empty() ? " (process " + *holder + ")" : "";
  return base::error(base::ErrorCode::Unavailable,
                     "another plimsolld" + who + " is at work with the journal in " + path);
}

}  // namespace

Result<Directory> Directory::open(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS) return failed("make " + path);
  Directory opened;
  opened.dir.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.dir.valid()) return failed("open " + path);
  auto openLock = [&](int flags) {
    opened.lock.reset(openat(opened.dir.get(), kLockName, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    return opened.lock.valid();
  };
  // A lock file that cannot be written locks as well.
  if (!openLock(O_RDWR | O_CREAT) && !openLock(O_RDONLY)) return failed("open " + path + "/" + kLockName);
  RETURN_IF_ERROR(tryLock(opened.lock, path));
  // For people only; who has no room for it holds the lock all the same.
  std::string holder = std::to_string(getpid());
  if (ftruncate(opened.lock.get(), 0) == 0) (void)writeAll(opened.lock.get(), holder, 0);
  return opened;
}

Result<Content> Content::read(const std::string& directory) {
  UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return failed("open " + directory);
  return readAt(dir.get());
}

Result<Content> Content::readAt(int dir) {
  Content content;
  UniqueFd fd(openat(dir, kFileName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) return content;
  content.kind = Kind::Foreign;
  // A symbolic link.
  if (!fd.valid() && errno == ELOOP) return content;
  if (!fd.valid()) return failed("open the journal");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return failed("stat the journal");
  if (!S_ISREG(info.st_mode) || static_cast<size_t>(info.st_size) > kLargestFile) return content;
  ASSIGN_OR_RETURN(content.bytes, readRange(fd.get(), static_cast<size_t>(info.st_size), 0));
  FileHeader header;
  if (content.bytes.size() >= sizeof header) {
    memcpy(&header, content.bytes.data(), sizeof header);
    content.kind = kindOf(header, content.bytes.size());
  }
  if (content.kind == Kind::Later) return content;
  if (content.kind == Kind::Ours) {
    content.half_bytes = header.half_bytes;
    scanHalves(content);
    return content;
  }
  Scan scan = scanFrames(content.bytes);
  if (scan.frames.empty()) return content;
  content.kind = Kind::Headless;
  content.frames = std::move(scan.frames);
  content.damaged = std::max<size_t>(scan.damaged, 1);
  return content;
}

Result<std::string> setAside(int dir) {
  constexpr int kKept = 3;
  auto name = [](int n) { return "journal.damaged-" + std::to_string(n); };
  for (int n = kKept - 1; n >= 1; --n) renameat(dir, name(n).c_str(), dir, name(n + 1).c_str());
  if (renameat(dir, kFileName, dir, name(1).c_str()) != 0) return failed("set the journal aside");
  return name(1);
}

size_t halfBytesFor(size_t max_bytes) {
  const size_t half = max_bytes > kPage ? (max_bytes - kPage) / 2 / kPage * kPage : 0;
  return std::clamp(half, kSmallestHalf, kLargestFile / 4);
}

JournalFile::JournalFile(UniqueFd fd, size_t half_bytes)
    : fd_(std::make_shared<const UniqueFd>(std::move(fd))), half_bytes_(half_bytes) {}

off_t JournalFile::offset(int half) const {
  return static_cast<off_t>(kPage + static_cast<size_t>(half) * half_bytes_);
}

Result<JournalFile> JournalFile::create(int dir, size_t half_bytes, std::string_view half,
                                        uint32_t generation) {
  const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  // Not O_TRUNC alone: somebody may still read what lay there.
  unlinkat(dir, kNewName, 0);
  UniqueFd fd(openat(dir, kNewName, flags, 0600));
  if (!fd.valid()) return failed("make the journal");
  JournalFile file(std::move(fd), half_bytes);
  auto fill = [&]() -> Status {
    const int raw = file.fd_->get();
    RETURN_IF_ERROR(allocate(raw, 0, kPage + 2 * half_bytes));
    FileHeader header;
    header.half_bytes = half_bytes;
    header.crc = headerChecksum(header);
    RETURN_IF_ERROR(writeAll(raw, {reinterpret_cast<const char*>(&header), sizeof header}, 0));
    RETURN_IF_ERROR(writeAll(raw, half, file.offset(0)));
    if (fdatasync(raw) != 0) return failed("write the journal to the disk");
    if (renameat(dir, kNewName, dir, kFileName) != 0) return failed("put the journal in place");
    if (fsync(dir) != 0) return failed("write the journal's directory to the disk");
    return base::ok();
  };
  if (Status filled = fill(); !filled) {
    unlinkat(dir, kNewName, 0);
    return tl::make_unexpected(std::move(filled).error());
  }
  file.end_ = half.size();
  file.generation_ = generation;
  return file;
}

Result<JournalFile> JournalFile::openAt(int dir, const Content& content, uint32_t generation) {
  UniqueFd fd(openat(dir, kFileName, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return failed("open the journal for writing");
  JournalFile file(std::move(fd), content.half_bytes);
  file.half_ = content.newest_half;
  file.end_ = content.end;
  file.generation_ = generation;
  const int raw = file.fd_->get();
  const size_t whole = kPage + 2 * content.half_bytes;
  // One that was cut off gets its room back.
  if (content.bytes.size() < whole) RETURN_IF_ERROR(allocate(raw, content.bytes.size(), whole));
  if (content.torn) {
    const off_t end = file.offset(file.half_) + static_cast<off_t>(file.end_);
    RETURN_IF_ERROR(writeZeroes(raw, file.half_bytes_ - file.end_, end));
  }
  return file;
}

Status JournalFile::append(std::string_view frames) {
  if (!fits(frames.size())) return base::error(base::ErrorCode::ResourceExhausted, "the journal is full");
  RETURN_IF_ERROR(writeAll(fd_->get(), frames, offset(half_) + static_cast<off_t>(end_)));
  end_ += frames.size();
  return base::ok();
}

Result<std::string> JournalFile::readHalf() const { return readRange(fd_->get(), end_, offset(half_)); }

Status JournalFile::switchTo(std::string_view half, uint32_t generation) {
  const int other = 1 - half_;
  if (half.size() > half_bytes_)
    return base::error(base::ErrorCode::ResourceExhausted, "the journal is full");
  RETURN_IF_ERROR(writeZeroes(fd_->get(), half_bytes_, offset(other)));
  RETURN_IF_ERROR(writeAll(fd_->get(), half, offset(other)));
  half_ = other;
  end_ = half.size();
  generation_ = generation;
  return base::ok();
}

bool JournalFile::gone() const {
  struct stat info {};
  return fstat(fd_->get(), &info) == 0 && info.st_nlink == 0;
}

}  // namespace plimsoll::journal
