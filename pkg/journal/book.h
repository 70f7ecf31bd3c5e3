// The changes that are open, in memory. The live journal and the recovery of a file apply the same operations
// to it, so that both come to the same.
//
// One thread at a time.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "pkg/journal/codec.h"

namespace plimsoll::journal {

class Book {
 public:
  using Time = std::chrono::system_clock::time_point;

  // What is to be recorded of it: the change as it stands now, or stood at its end; valid until the next
  // apply() of the same change. nullopt: it says nothing new. `sequence` is the record's, and the change's
  // place in the order of opening where this opens it; `now` is the record's time where the change has none
  // of its own.
  std::optional<Noted> apply(Op op, Change change, uint64_t sequence, Time now = {});
  // Puts an entry in, in the place of one of the same name.
  void restore(Entry entry);
  // As if `older` had come before: its originals and order win, everything else stays as it is here.
  void startFrom(Book older);

  size_t size() const { return entries_.size(); }
  const Entry* find(std::string_view container_id, model::Target target, std::string_view object) const;
  std::vector<const Entry*> ofContainer(std::string_view container_id) const;
  std::vector<const Entry*> byAge() const;
  // Neighbours share owner and place: for encodeSnapshot().
  std::vector<const Entry*> byOwner() const;

 private:
  // Points into the entry.
  struct Key {
    std::string_view container_id;
    model::Target target;
    std::string_view object, place;
    auto operator<=>(const Key&) const = default;
  };
  using Map = std::map<Key, std::unique_ptr<Entry>>;
  static Key keyOf(const Change& change);
  // The same thing, or the same still without a place of the kernel's.
  Map::iterator match(const Change& change);
  void moveTo(Map::iterator it, const Change& change);

  Map entries_;
};

}  // namespace plimsoll::journal
