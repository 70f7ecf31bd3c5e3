#include "pkg/model/cpu_set.h"

#include <bit>

#include "pkg/base/parse.h"

namespace plimsoll::model {
namespace {

constexpr int kBits = 64;

base::Result<int> parseCpu(std::string_view text) {
  auto cpu = base::parseInt<int>(text);
  if (!cpu || *cpu < 0) return base::invalidArgument("is not a list such as 0-3,8");
  if (*cpu >= CpuSet::kLimit) {
    return base::invalidArgument("has a number above " + std::to_string(CpuSet::kLimit - 1));
  }
  return *cpu;
}

void trimZeroes(std::vector<uint64_t>& words) {
  while (!words.empty() && words.back() == 0) words.pop_back();
}

}  // namespace

base::Result<CpuSet> CpuSet::parse(std::string_view list) {
  CpuSet set;
  if (list.empty()) return set;
  for (std::string_view part : base::split(list, ',')) {
    const size_t dash = part.find('-');
    ASSIGN_OR_RETURN(int first, parseCpu(part.substr(0, dash)));
    int last = first;
    if (dash != std::string_view::npos) {
      ASSIGN_OR_RETURN(last, parseCpu(part.substr(dash + 1)));
    }
    if (last < first) return base::invalidArgument("has a range that runs backwards");
    for (int cpu = first; cpu <= last; ++cpu) set.add(cpu);
  }
  return set;
}

void CpuSet::add(int cpu) {
  const size_t word = static_cast<size_t>(cpu) / kBits;
  if (word >= words_.size()) words_.resize(word + 1);
  words_[word] |= uint64_t{1} << (cpu % kBits);
}

bool CpuSet::contains(int cpu) const {
  const size_t word = static_cast<size_t>(cpu) / kBits;
  return cpu >= 0 && word < words_.size() && ((words_[word] >> (cpu % kBits)) & 1) != 0;
}

bool CpuSet::containsAll(const CpuSet& other) const { return other.without(*this).empty(); }

int CpuSet::count() const {
  int count = 0;
  for (uint64_t word : words_) count += std::popcount(word);
  return count;
}

CpuSet CpuSet::without(const CpuSet& other) const {
  CpuSet result = *this;
  for (size_t i = 0; i < result.words_.size() && i < other.words_.size(); ++i) {
    result.words_[i] &= ~other.words_[i];
  }
  trimZeroes(result.words_);
  return result;
}

CpuSet CpuSet::intersection(const CpuSet& other) const {
  CpuSet result = *this;
  if (result.words_.size() > other.words_.size()) result.words_.resize(other.words_.size());
  for (size_t i = 0; i < result.words_.size(); ++i) result.words_[i] &= other.words_[i];
  trimZeroes(result.words_);
  return result;
}

std::string CpuSet::toString() const {
  std::string text;
  const int end = static_cast<int>(words_.size()) * kBits;
  for (int cpu = 0; cpu < end; ++cpu) {
    if (!contains(cpu)) continue;
    int last = cpu;
    while (contains(last + 1)) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpu);
    if (last > cpu) text += '-' + std::to_string(last);
    cpu = last;
  }
  return text;
}

}  // namespace plimsoll::model
