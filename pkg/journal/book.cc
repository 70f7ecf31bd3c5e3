#include "pkg/journal/book.h"

#include <algorithm>
#include <utility>

namespace plimsoll::journal {
namespace {

// What `now` adds to what is known: a change keeps what it first found.
void learn(Change& known, const Change& now) {
  if (!known.found) known.found = now.found;
  known.ours = now.ours;
}

}  // namespace

Book::Key Book::keyOf(const Change& change) {
  return {change.owner.container_id, change.target, change.object, change.place};
}

Book::Map::iterator Book::match(const Change& change) {
  auto it = entries_.find(keyOf(change));
  if (it != entries_.end()) return it;
  for (it = entries_.lower_bound({change.owner.container_id, change.target, change.object, {}});
       it != entries_.end(); ++it) {
    const Change& other = it->second->change;
    if (other.owner.container_id != change.owner.container_id || other.target != change.target ||
        other.object != change.object)
      break;
    if (other.place_id == 0) return it;
  }
  return entries_.end();
}

// A change that travelled in a creation request gets its place once there is one.
void Book::moveTo(Map::iterator it, const Change& change) {
  Change& known = it->second->change;
  if (known.place_id != 0 || (change.place_id == 0 && change.place.empty())) return;
  known.place_id = change.place_id;
  if (known.place == change.place) return;
  auto node = entries_.extract(it);
  known.place = change.place;
  node.key() = keyOf(known);
  entries_.insert(std::move(node));
}

std::optional<Noted> Book::apply(Op op, Change change, uint64_t sequence, Time now) {
  auto it = match(change);
  if (it == entries_.end()) {
    if (op != Op::Set && op != Op::Settled) return std::nullopt;
    change.settled = op == Op::Settled;
    if (change.time == Time{}) change.time = now;
    auto entry = std::make_unique<Entry>(Entry{std::move(change), sequence});
    const Change& made = entry->change;
    entries_.emplace(keyOf(made), std::move(entry));
    return Noted{sequence, op, &made, made.time};
  }
  Change& known = it->second->change;
  switch (op) {
    case Op::Set:
      learn(known, change);
      known.asked_by = std::move(change.asked_by);
      known.time = change.time == Time{} ? now : change.time;
      known.settled = false;
      moveTo(it, change);
      return Noted{sequence, op, &known, known.time};
    case Op::Settled: {
      const Change before = known;
      learn(known, change);
      known.settled = true;
      moveTo(it, change);
      if (known == before) return std::nullopt;
      return Noted{sequence, op, &known, now};
    }
    case Op::Rebased:
      if (known.found == change.found) return std::nullopt;
      known.found = std::move(change.found);
      return Noted{sequence, op, &known, now};
    case Op::Left:
      known.ours = std::move(change.ours);
      break;
    case Op::Restored:
    case Op::Forgotten:
      break;
    default:
      // Of a later version. It may have ended the change or not; comparing with the kernel will tell.
      return std::nullopt;
  }
  Noted noted{sequence, op, &known, now, std::move(it->second)};
  entries_.erase(it);
  return noted;
}

void Book::restore(Entry entry) {
  auto made = std::make_unique<Entry>(std::move(entry));
  Key key = keyOf(made->change);
  // The key points into the entry that is replaced.
  entries_.erase(key);
  entries_.emplace(key, std::move(made));
}

void Book::startFrom(Book older) {
  for (auto& [key, entry] : older.entries_) {
    auto it = match(entry->change);
    if (it == entries_.end()) {
      restore(std::move(*entry));
      continue;
    }
    if (entry->change.found) it->second->change.found = std::move(entry->change.found);
    it->second->sequence = entry->sequence;
  }
}

const Entry* Book::find(std::string_view container_id, model::Target target, std::string_view object) const {
  const Entry* oldest = nullptr;
  for (auto it = entries_.lower_bound({container_id, target, object, {}}); it != entries_.end(); ++it) {
    const Change& change = it->second->change;
    if (change.owner.container_id != container_id || change.target != target || change.object != object)
      break;
    if (!oldest || it->second->sequence < oldest->sequence) oldest = it->second.get();
  }
  return oldest;
}

std::vector<const Entry*> Book::ofContainer(std::string_view container_id) const {
  std::vector<const Entry*> found;
  // Targets are counted from 1.
  for (auto it = entries_.lower_bound({container_id, model::Target{}, {}, {}});
       it != entries_.end() && it->first.container_id == container_id; ++it)
    found.push_back(it->second.get());
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->sequence < b->sequence; });
  return found;
}

std::vector<const Entry*> Book::byAge() const {
  std::vector<const Entry*> all = byOwner();
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->sequence < b->sequence; });
  return all;
}

std::vector<const Entry*> Book::byOwner() const {
  std::vector<const Entry*> all;
  all.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) all.push_back(entry.get());
  return all;
}

}  // namespace plimsoll::journal
