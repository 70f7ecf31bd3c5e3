#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/view_diff.h"
#include "cmd/kubectl-plimsoll/view_history.h"

namespace plimsoll::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

pb::HistoryEntry entryOf(pb::HistoryOp op, const std::string& key, const std::string& ours) {
  pb::HistoryEntry entry;
  entry.set_sequence(7);
  entry.mutable_time()->set_seconds(1'700'000'000);
  entry.set_op(op);
  entry.set_namespace_("shop");
  entry.set_pod("web-0");
  entry.set_container("app");
  entry.set_container_id("4f1c0ffee0004f1c0ffee000");
  entry.set_key(key);
  entry.set_object(key);
  entry.set_place("/kubepods/pod0/app");
  entry.set_found("100\n");
  entry.set_ours(ours);
  entry.set_asked_by("plimsoll.dev/" + key);
  return entry;
}

TEST(HistoryView, OneLineForEachRecord) {
  std::vector<pb::HistoryEntry> entries = {entryOf(pb::HISTORY_OP_SET, "cpu.weight", "200"),
                                           entryOf(pb::HISTORY_OP_LEFT, "io.max", "8:0 a\n8:16 b\n")};
  entries[0].clear_found();
  entries[1].set_note("the kubelet");
  EXPECT_EQ(
      historyTable(entries, {}),
      "TIME                   CONTAINER   OP     KEY          FOUND       OURS            ASKED-BY         "
      "         NOTE\n"
      "2023-11-14T22:13:20Z   app         Set    cpu.weight   <unknown>   200             "
      "plimsoll.dev/cpu.weight   <none>\n"
      "2023-11-14T22:13:20Z   app         Left   io.max       100         8:0 a; 8:16 b   "
      "plimsoll.dev/io.max       the kubelet\n");
}

TEST(HistoryView, WideAndAllNamespacesSayWhereAndWhose) {
  const std::vector<pb::HistoryEntry> entries = {entryOf(pb::HISTORY_OP_SETTLED, "cpu.weight", "200")};
  View view;
  view.wide = view.all_namespaces = true;
  const std::string text = historyTable(entries, view);
  EXPECT_THAT(text, HasSubstr("shop        web-0   app         Settled"));
  EXPECT_THAT(text, HasSubstr("/kubepods/pod0/app   4f1c0ffee0004"));
}

TEST(HistoryView, NothingSteersTheTerminal) {
  const std::vector<pb::HistoryEntry> entries = {entryOf(pb::HISTORY_OP_SET, "cpu.weight", "\x1b[2J")};
  EXPECT_THAT(historyTable(entries, {}), Not(HasSubstr("\x1b")));
}

TEST(HistoryView, AnOperationOfALaterAgent) { EXPECT_EQ(word(static_cast<pb::HistoryOp>(99)), "Unknown"); }

TEST(HistoryDocument, UnknownIsNull) {
  pb::HistoryEntry entry = entryOf(pb::HISTORY_OP_RESTORED, "cpu.weight", "200");
  EXPECT_EQ(document(entry)["found"], "100\n");
  entry.clear_found();
  const JsonValue json = document(std::span<const pb::HistoryEntry>(&entry, 1));
  EXPECT_EQ(json["kind"], "HistoryEntryList");
  EXPECT_EQ(json["items"][0]["found"], nullptr);
  EXPECT_EQ(json["items"][0]["op"], "Restored");
  EXPECT_EQ(json["items"][0]["time"], "2023-11-14T22:13:20Z");
}

pb::Container containerOf(const std::string& name) {
  pb::Container container;
  container.mutable_pod()->set_namespace_("shop");
  container.mutable_pod()->set_name("web-0");
  container.set_name(name);
  return container;
}

pb::Setting* add(pb::Container& container, const std::string& key, pb::SettingState state) {
  pb::Setting* setting = container.add_settings();
  setting->set_key(key);
  setting->set_raw("raw");
  setting->set_state(state);
  setting->mutable_source()->set_kind(pb::SOURCE_KIND_POD_ANNOTATION);
  setting->mutable_source()->set_where("plimsoll.dev/" + key);
  return setting;
}

TEST(DiffView, AsDesiredIsNoDifference) {
  pb::Container container = containerOf("app");
  add(container, "cpu.weight", pb::SETTING_STATE_APPLIED);
  EXPECT_EQ(diffText(std::span(&container, 1), {}), "");
  EXPECT_EQ(diffText({}, {}), "");
}

TEST(DiffView, DesiredAgainstActual) {
  std::vector<pb::Container> containers = {containerOf("app"), containerOf("fine"), containerOf("side")};
  pb::Setting* drifted = add(containers[0], "cpu.weight", pb::SETTING_STATE_DRIFTED);
  drifted->set_desired("200");
  drifted->set_actual("100");
  drifted->set_reason("somebody else wrote 100");
  add(containers[0], "cpu.max", pb::SETTING_STATE_APPLIED);
  add(containers[1], "cpu.max", pb::SETTING_STATE_APPLIED);
  pb::Setting* invalid = add(containers[2], "memory.high", pb::SETTING_STATE_INVALID);
  invalid->set_reason("no\x1b[2J quantity");
  pb::Setting* pending = add(containers[2], "pids.max", pb::SETTING_STATE_PENDING);
  pending->set_desired("100");
  pending->set_found("max");
  EXPECT_EQ(diffText(containers, {}),
            "--- shop/web-0/app desired\n"
            "+++ shop/web-0/app actual\n"
            "-cpu.weight: 200  # plimsoll.dev/cpu.weight\n"
            "+cpu.weight: 100  # Drifted: somebody else wrote 100\n"
            "--- shop/web-0/side desired\n"
            "+++ shop/web-0/side actual\n"
            "-memory.high: raw  # plimsoll.dev/memory.high\n"
            "+memory.high: <unknown>  # Invalid: no\\x1b[2J quantity\n"
            "-pids.max: 100  # plimsoll.dev/pids.max\n"
            "+pids.max: max  # Pending\n");
}

TEST(DiffView, WhatBindsIsNamed) {
  pb::Container container = containerOf("app");
  pb::Setting* moot = add(container, "memory.high", pb::SETTING_STATE_MOOT);
  moot->set_actual("64Mi");
  moot->set_reason("a parent cgroup binds");
  moot->set_binding("/kubepods/memory.high = 32Mi");
  EXPECT_THAT(diffText(std::span(&container, 1), {}),
              HasSubstr("# Moot: a parent cgroup binds: /kubepods/memory.high = 32Mi"));
}

}  // namespace
}  // namespace plimsoll::cli
