// An Access that is opened when it is first needed, since few containers need every mechanism. Where it
// cannot be opened every call gives that error. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "pkg/mechanism/mechanism.h"

namespace plimsoll::mechanism {

class LazyAccess final : public Access {
 public:
  using Open = std::function<base::Result<std::unique_ptr<Access>>()>;
  explicit LazyAccess(Open open) : open_(std::move(open)) {}

  // Nameless where it could not be opened.
  Place place() const override { return opened() ? (*opened())->place() : Place{}; }
  bool gone() const override { return opened() ? (*opened())->gone() : opened().error().isGone(); }
  base::Result<std::string> read(const model::PlannedSetting& setting) const override {
    if (!opened()) return tl::make_unexpected(opened().error());
    return (*opened())->read(setting);
  }
  base::Status write(const model::PlannedSetting& setting) const override {
    if (!opened()) return tl::make_unexpected(opened().error());
    return (*opened())->write(setting);
  }
  std::vector<model::AncestorValue> ancestors(const model::PlannedSetting& setting) const override {
    if (!opened()) return {};
    return (*opened())->ancestors(setting);
  }

 private:
  const base::Result<std::unique_ptr<Access>>& opened() const {
    if (!access_) access_ = open_();
    return *access_;
  }

  Open open_;
  mutable std::optional<base::Result<std::unique_ptr<Access>>> access_;
};

}  // namespace plimsoll::mechanism
