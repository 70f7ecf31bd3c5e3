#include "pkg/bpfobj/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace plimsoll::bpfobj {
namespace {

thread_local std::string* current_text = nullptr;

int keep(libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG || current_text == nullptr) return 0;
  va_list again;
  va_copy(again, args);
  int length = std::vsnprintf(nullptr, 0, format, args);
  if (length > 0) {
    size_t start = current_text->size();
    current_text->resize(start + length + 1);  // vsnprintf writes a zero behind
    std::vsnprintf(current_text->data() + start, length + 1, format, again);
    current_text->resize(start + length);
  }
  va_end(again);
  return length;
}

}  // namespace

LibbpfLog::LibbpfLog() : outer_(current_text) {
  current_text = &text_;
  libbpf_set_print(keep);
}

LibbpfLog::~LibbpfLog() { current_text = outer_; }

tl::unexpected<base::Error> LibbpfLog::error(int err, const std::string& what) const {
  auto failed = libbpfError(err, what);
  if (!text_.empty()) failed.value().message += "\n" + text_;
  return failed;
}

tl::unexpected<base::Error> libbpfError(int err, const std::string& what) {
  // Before anything was captured libbpf would print to stderr by itself.
  libbpf_set_print(keep);
  return base::errnoError(std::abs(err), what);
}

}  // namespace plimsoll::bpfobj
