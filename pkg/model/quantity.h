// Numbers with units, as Kubernetes users write them: quantities (512Mi, 1.5Gi, 100M, 1500m, 1e3), durations
// (20ms, 1.5s, 1m30s) and percentages (12.5%), in exact integer arithmetic; and text quoted for messages.
//
// Stricter than Kubernetes where two readers may differ: no sign, no leading zero ("010"), no hexadecimal, no
// "_". Errors are sentences that go into a message after the value: "is not a quantity". Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/result.h"

namespace plimsoll::model {

// The quantity times `scale`, rounded up to a whole number as Kubernetes does; at most INT64_MAX - 1.
// Source of the suffixes: k8s.io/apimachinery/pkg/api/resource, type Quantity.
base::Result<int64_t> parseQuantity(std::string_view text, int64_t scale = 1);

// As parseQuantity, for whole things (bytes, operations): the suffixes below one (m, u, n) are refused, since
// "512m" bytes is half a byte and always a slip.
base::Result<int64_t> parseBytes(std::string_view text);

// Microseconds. Units ns, us, µs, ms, s, m, h, which may follow each other as in Go: 1m30s.
base::Result<int64_t> parseDuration(std::string_view text);

// Hundredths of a per cent: 12.5% is 1250.
base::Result<int64_t> parsePercent(std::string_view text);

std::string formatBytes(int64_t bytes);                       // "512Mi", "100M", "1000001"; kMax is "max"
std::string formatBitRate(int64_t bits);                      // "10M", "1500k"; kMax is "max"
std::string formatDuration(int64_t microseconds);             // "20ms", "1.5s", "75us"
std::string formatPercent(int64_t hundredths);                // "12.5%"
std::string formatCpus(int64_t quota_us, int64_t period_us);  // "1500m", "2", "max"

// In double quotes; control characters and bytes outside of ASCII as \xNN, so that a message is plain text;
// cut at `limit` bytes.
std::string inQuotes(std::string_view text, size_t limit = 64);

}  // namespace plimsoll::model
