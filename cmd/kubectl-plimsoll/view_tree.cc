#include "cmd/kubectl-plimsoll/view_tree.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <sstream>

#include "cmd/kubectl-plimsoll/table.h"
#include "pkg/base/parse.h"
#include "pkg/model/quantity.h"

namespace plimsoll::cli {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr std::array<const char*, 7> kCounted = {"cpu.max",    "memory.min",      "memory.low", "memory.high",
                                                 "memory.max", "memory.swap.max", "pids.max"};
constexpr std::array<const char*, 9> kColumns = {"cpu.weight", "cpu.max",      "memory.current",
                                                 "memory.min", "memory.low",   "memory.high",
                                                 "memory.max", "pids.current", "pids.max"};

bool isProtection(std::string_view file) { return file == "memory.min" || file == "memory.low"; }

const pb::CgroupFile* fileOf(const pb::Cgroup& cgroup, std::string_view name) {
  for (const pb::CgroupFile& file : cgroup.files()) {
    if (file.name() == name && file.problem().empty()) return &file;
  }
  return nullptr;
}

std::optional<double> number(const std::string& word) {
  if (word == "max") return kNoLimit;
  const auto value = base::parseInt<int64_t>(word);
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

// "max 100000", "50000 100000": CPUs; any other file: its one number.
std::optional<double> amountOf(const pb::CgroupFile& file) {
  std::istringstream words(file.text());
  std::string first, second;
  words >> first >> second;
  const auto amount = number(first);
  if (file.name() != "cpu.max" || !amount) return amount;
  const auto period = number(second);
  if (!period || *period <= 0) return std::nullopt;
  return *amount / *period;
}

bool isAbove(const pb::Cgroup& ancestor, const pb::Cgroup& cgroup) {
  if (ancestor.path() == "/") return cgroup.path() != "/";
  return cgroup.path().starts_with(ancestor.path() + "/");
}

std::string shown(const pb::CgroupFile& file) {
  const auto amount = amountOf(file);
  if (!amount) return file.text();
  if (*amount == kNoLimit) return "max";
  if (file.name() == "cpu.max") {
    std::ostringstream text;
    text.precision(3);
    text << *amount << " CPU";
    return text.str();
  }
  if (file.name().starts_with("memory.")) return model::formatBytes(static_cast<int64_t>(*amount));
  return file.text();
}

std::optional<Binding> bindingOf(const pb::GetTreeResponse& tree, const pb::Cgroup& container,
                                 const std::string& name) {
  const pb::CgroupFile* own = fileOf(container, name);
  if (own == nullptr) return std::nullopt;
  const auto own_amount = amountOf(*own);
  // Without a protection of its own none is lost.
  if (!own_amount || (isProtection(name) && *own_amount == 0)) return std::nullopt;
  double least = *own_amount;
  std::optional<Binding> binding;
  for (const pb::Cgroup& ancestor : tree.cgroups()) {
    const pb::CgroupFile* file = isAbove(ancestor, container) ? fileOf(ancestor, name) : nullptr;
    const auto amount = file != nullptr ? amountOf(*file) : std::nullopt;
    // <= among ancestors: the innermost of equals, since parents come first.
    if (!amount || *amount >= *own_amount || *amount > least) continue;
    least = *amount;
    binding = Binding{container.container(), name, ancestor.path(), shown(*file), shown(*own)};
  }
  return binding;
}

// A container's id is as telling by its beginning; `-o json` has the whole.
std::string shortIds(const std::string& name) {
  constexpr size_t kId = 64, kShown = 13;
  const size_t at = name.find_first_of("0123456789abcdef");
  for (size_t from = at; from != std::string::npos && from + kId <= name.size();
       from = name.find_first_of("0123456789abcdef", from + 1)) {
    if (name.find_first_not_of("0123456789abcdef", from) < from + kId) continue;
    return name.substr(0, from + kShown) + name.substr(from + kId);
  }
  return name;
}

std::string lastName(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.empty() ? "/" : shortIds(name);
}

// Where a cgroup hangs below the nearest one above it that is in the answer.
class Outline {
 public:
  explicit Outline(const pb::GetTreeResponse& tree) : tree_(tree) {
    for (int i = 0; i < tree.cgroups_size(); ++i) children_[parentOf(i)].push_back(i);
  }
  template <typename Visit>
  void walk(const Visit& visit, int of = -1, const std::string& trunk = "", bool ascii = false) const {
    const auto found = children_.find(of);
    if (found == children_.end()) return;
    for (const int child : found->second) {
      const bool last = child == found->second.back();
      const std::string branch = of < 0 ? "" : ascii ? (last ? "`- " : "|- ") : (last ? "└─ " : "├─ ");
      visit(tree_.cgroups(child), trunk + branch);
      const std::string below = of < 0 ? "" : last ? "   " : ascii ? "|  " : "│  ";
      walk(visit, child, trunk + below, ascii);
    }
  }

 private:
  int parentOf(int index) const {
    int parent = -1;
    for (int i = 0; i < tree_.cgroups_size(); ++i) {
      const bool nearer = parent < 0 || tree_.cgroups(i).path().size() > tree_.cgroups(parent).path().size();
      if (isAbove(tree_.cgroups(i), tree_.cgroups(index)) && nearer) parent = i;
    }
    return parent;
  }
  const pb::GetTreeResponse& tree_;
  std::map<int, std::vector<int>> children_;
};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

}  // namespace

std::vector<Binding> bindings(const pb::GetTreeResponse& tree) {
  std::vector<Binding> out;
  for (const pb::Cgroup& cgroup : tree.cgroups()) {
    if (cgroup.container().empty()) continue;
    for (const char* file : kCounted) {
      if (auto binding = bindingOf(tree, cgroup, file)) out.push_back(std::move(*binding));
    }
  }
  return out;
}

std::string treeText(const pb::GetTreeResponse& tree, const TreeLook& look, const View& view) {
  const std::vector<Binding> binding = bindings(tree);
  std::vector<std::string> headers = {"CGROUP", "CONTAINER"};
  for (const char* column : kColumns) headers.push_back(upper(column));
  Table table(headers);
  Outline(tree).walk(
      [&](const pb::Cgroup& cgroup, const std::string& branch) {
        std::vector<Cell> cells = {branch + lastName(cgroup.path()),
                                   cgroup.container().empty() ? "-" : cgroup.container()};
        for (const char* column : kColumns) {
          const pb::CgroupFile* file = fileOf(cgroup, column);
          const bool binds = std::any_of(binding.begin(), binding.end(), [&](const Binding& each) {
            return each.path == cgroup.path() && each.file == column;
          });
          const std::string text = file != nullptr ? shown(*file) : "-";
          cells.emplace_back(binds ? text + " *" : text, binds ? Tone::Warn : Tone::Plain);
        }
        table.add(std::move(cells));
      },
      -1, "", look.ascii);
  std::string out = table.render(view.palette, view.headers);
  for (const Binding& each : binding) {
    out += "* " + printable(each.container) + ": " + each.file + " " + printable(each.own) + " is bound by " +
           printable(each.value) + " of " + printable(each.path) + "\n";
  }
  return out;
}

JsonValue document(const pb::GetTreeResponse& tree) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "CgroupTree"}};
  out["cgroups"] = JsonValue::array();
  for (const pb::Cgroup& cgroup : tree.cgroups()) {
    JsonValue row = {{"path", cgroup.path()}};
    if (!cgroup.container().empty()) row["container"] = cgroup.container();
    JsonValue files = JsonValue::object();
    // null: it is there and could not be read.
    for (const pb::CgroupFile& file : cgroup.files())
      files[file.name()] = file.problem().empty() ? JsonValue(file.text()) : JsonValue(nullptr);
    row["files"] = files;
    out["cgroups"].push_back(row);
  }
  out["binding"] = JsonValue::array();
  for (const Binding& each : bindings(tree)) {
    out["binding"].push_back({{"container", each.container},
                              {"file", each.file},
                              {"own", each.own},
                              {"value", each.value},
                              {"path", each.path}});
  }
  return out;
}

}  // namespace plimsoll::cli
