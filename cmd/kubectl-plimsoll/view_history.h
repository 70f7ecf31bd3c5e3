// What `history` prints for people. Pure, any thread.
#pragma once

#include <span>
#include <string>

#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

std::string word(pb::HistoryOp op);  // Settled
std::string historyTable(std::span<const pb::HistoryEntry> entries, const View& view);

}  // namespace plimsoll::cli
