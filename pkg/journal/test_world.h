// A directory of its own for each test, and changes as the agent would make them. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "pkg/journal/journal.h"

namespace plimsoll::journal {

class TempDir {
 public:
  TempDir() : path_(mkdtemp(name_)) {}
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/journal"; }
  std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Over the old content: a file that is emptied first and closed would make ext4 wait for the disk.
  void setBytes(std::string_view bytes) const {
    std::ofstream(file(), std::ios::binary | std::ios::app).close();
    std::fstream out(file(), std::ios::binary | std::ios::in | std::ios::out);
    out << bytes;
    out.close();
    std::filesystem::resize_file(file(), bytes.size());
  }

 private:
  char name_[32] = "/tmp/plimsoll-journal-XXXXXX";
  std::string path_;
};

inline Change changeOf(const std::string& container, const std::string& object, const std::string& found,
                       const std::string& ours) {
  Change change;
  change.owner = {"shop", "web-0", "uid-0", container, container + "-id"};
  change.place = "/kubepods/pod0/" + container + "-id";
  change.place_id = 4711;
  change.object = object;
  change.key = object;
  change.found = found;
  change.ours = ours;
  change.asked_by = "plimsoll.dev/" + object;
  change.time = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  return change;
}

// Fails the test where it cannot be opened.
inline std::unique_ptr<Journal> openJournal(Options options) {
  auto journal = Journal::open(std::move(options));
  if (!journal) {
    ADD_FAILURE() << journal.error().message;
    abort();
  }
  return std::move(*journal);
}

inline std::vector<Change> openOf(const Journal& journal) {
  std::vector<Change> open;
  for (const Change* change : journal.openChanges()) open.push_back(*change);
  return open;
}

// What a later start finds.
inline std::vector<Change> reopened(const Options& options) {
  Options reading = options;
  reading.read_only = true;
  return openOf(*openJournal(reading));
}

}  // namespace plimsoll::journal
