// What people and programs get to see, whole, from messages made by hand.
#include "cmd/kubectl-plimsoll/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/table.h"

namespace plimsoll::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kNow = 1'800'000'000;

View view(bool all_namespaces = false, bool wide = false) {
  return {Palette(false), Clock::time_point(std::chrono::seconds(kNow)), wide, true, all_namespaces};
}

pb::Setting* addSetting(pb::Container& container, const char* key, const char* raw, pb::SettingState state) {
  pb::Setting* setting = container.add_settings();
  setting->set_key(key);
  setting->set_raw(raw);
  setting->set_desired(raw);
  setting->set_state(state);
  setting->mutable_source()->set_kind(pb::SOURCE_KIND_POD_ANNOTATION);
  setting->mutable_source()->set_where(std::string("plimsoll.dev/") + key);
  setting->set_file(key);
  setting->set_stage(pb::STAGE_CREATE);
  setting->set_live(true);
  return setting;
}

pb::Container web() {
  pb::Container container;
  container.set_id("4f1c0ffee0004f1c");
  container.set_name("app");
  container.set_state(pb::CONTAINER_STATE_RUNNING);
  container.set_pid(4711);
  container.set_cgroup_path("/kubepods/pod1/4f1c");
  container.set_class_name("batch");
  container.set_on_error(pb::ON_ERROR_IGNORE);
  container.set_config_generation(3);
  container.mutable_first_seen()->set_seconds(kNow - 3600 * 26);
  container.mutable_pod()->set_namespace_("shop");
  container.mutable_pod()->set_name("web-0");
  container.mutable_pod()->set_uid("u-1");
  container.mutable_pod()->set_qos_class(pb::QOS_CLASS_BURSTABLE);
  (*container.mutable_pod()->mutable_labels())["b"] = "2";
  (*container.mutable_pod()->mutable_labels())["a"] = "1";
  return container;
}

TEST(Text, EscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("512Mi"), "512Mi");
  EXPECT_EQ(printable("a\033[2Jb\rc\nd\te\x7f"), "a\\x1b[2Jb\\x0dc\\nd\\te\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\x9b31m")
      << "C1: a CSI in one character";
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "abc"),
            "\\u{202e}abc")
      << "right-to-left override";
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("Schiff \xE2\x9A\x93"), "Schiff \xE2\x9A\x93");
}

TEST(Text, ShortensAgesAsKubectlDoes) {
  const std::pair<int64_t, const char*> cases[] = {
      {-5, "0s"},
      {0, "0s"},
      {45, "45s"},
      {119, "119s"},
      {120, "2m"},
      {192, "3m12s"},
      {600, "10m"},
      {1620, "27m"},
      {10'799, "179m"},
      {10'800, "3h"},
      {18'720, "5h12m"},
      {93'600, "26h"},
      {172'800, "2d"},
      {273'600, "3d4h"},
      {1'036'800, "12d"},
      {63'072'000, "2y"},
      {66'960'000, "2y45d"},
      {315'360'000, "10y"},
  };
  for (const auto& [seconds, text] : cases)
    EXPECT_EQ(shortAge(std::chrono::seconds(seconds)), text) << seconds;
}

TEST(Text, ColoursOnlyWhereWanted) {
  EXPECT_TRUE(useColours(ColourMode::Auto, true, nullptr, "xterm"));
  EXPECT_TRUE(useColours(ColourMode::Auto, true, "", "xterm"));
  EXPECT_FALSE(useColours(ColourMode::Auto, true, "1", "xterm"));
  EXPECT_FALSE(useColours(ColourMode::Auto, false, nullptr, "xterm"));
  EXPECT_FALSE(useColours(ColourMode::Auto, true, nullptr, "dumb"));
  EXPECT_FALSE(useColours(ColourMode::Auto, true, nullptr, nullptr));
  EXPECT_TRUE(useColours(ColourMode::Always, false, "1", nullptr));
  EXPECT_FALSE(useColours(ColourMode::Never, true, nullptr, "xterm"));
}

TEST(Table, AlignsByCharactersAndKeepsColoursOutOfTheWidth) {
  Table table({"A", "B"});
  table.add({{"\xE2\x9A\x93", Tone::Bad}, "x"});
  table.add({"longer", ""});
  EXPECT_EQ(table.render(Palette(false)), "A        B\n\xE2\x9A\x93        x\nlonger   <none>\n");
  EXPECT_EQ(table.render(Palette(true), false), "\033[31m\xE2\x9A\x93\033[0m        x\nlonger   <none>\n");
}

TEST(Get, ShowsOneLinePerContainer) {
  pb::Container container = web();
  addSetting(container, "memory.high", "512Mi", pb::SETTING_STATE_APPLIED);
  addSetting(container, "cpu.weight", "9000", pb::SETTING_STATE_REFUSED)->set_reason("too much");
  pb::Container plain;
  plain.set_name("dns");
  plain.mutable_pod()->set_namespace_("kube-system");
  plain.mutable_pod()->set_name("dns-0");
  const pb::Container all[] = {container, plain};
  EXPECT_EQ(containerTable(all, view(true)),
            "NAMESPACE     POD     CONTAINER   CLASS    SETTINGS   STATE     AGE\n"
            "shop          web-0   app         batch    1/2        Refused   26h\n"
            "kube-system   dns-0   dns         <none>   0/0        <none>    <unknown>\n");
  EXPECT_EQ(containerTable(std::span(all, 1), view(false, true)),
            "POD     CONTAINER   CLASS   SETTINGS   STATE     AGE   QOS         STATUS    ID              "
            "CGROUP    "
            "            REASON\n"
            "web-0   app         batch   1/2        Refused   26h   Burstable   Running   4f1c0ffee0004   "
            "/kubepods/pod1/4f1c   cpu.weight: too much\n");
  EXPECT_EQ(containerNames(all), "container/web-0/app\ncontainer/dns-0/dns\n");
}

TEST(Summary, NamesWhatNeedsLookingAtMost) {
  pb::Container container = web();
  EXPECT_EQ(summarise(container).state, "");
  addSetting(container, "memory.low", "1Mi", pb::SETTING_STATE_MOOT);
  addSetting(container, "memory.max", "1Gi", pb::SETTING_STATE_APPLIED);
  EXPECT_EQ(summarise(container).state, "Moot");
  EXPECT_EQ(summarise(container).in_order, 2);
  addSetting(container, "memory.high", "1Gi", pb::SETTING_STATE_DRIFTED);
  EXPECT_EQ(summarise(container).state, "Drifted");
  container.add_problems()->set_key("k");
  EXPECT_EQ(summarise(container).state, "Invalid");
  addSetting(container, "cpu.max", "1", pb::SETTING_STATE_FAILED);
  EXPECT_EQ(summarise(container).state, "Failed");
  container.set_rejection("no");
  EXPECT_EQ(summarise(container).state, "Rejected");
  pb::Container newer = web();
  addSetting(newer, "cpu.max", "1", static_cast<pb::SettingState>(77));
  EXPECT_EQ(summarise(newer).state, "Unknown") << "a state of a newer agent";
}

TEST(Describe, ShowsTheWholeJourney) {
  pb::Container container = web();
  pb::Setting* adjusted = addSetting(container, "memory.high", "1000001", pb::SETTING_STATE_ADJUSTED);
  adjusted->set_found("max");
  adjusted->set_actual("999424");
  pb::Setting* failed = addSetting(container, "cpuset.cpus", "0-3", pb::SETTING_STATE_FAILED);
  failed->set_reason("write cpuset.cpus: Device or resource busy");
  failed->set_error_name("EBUSY");
  failed->set_rule("pinned");
  pb::Setting* moot = addSetting(container, "memory.max", "1Gi", pb::SETTING_STATE_MOOT);
  moot->mutable_source()->set_kind(pb::SOURCE_KIND_CLASS);
  moot->mutable_source()->set_where("batch");
  moot->set_actual("1Gi");
  moot->set_stage(pb::STAGE_LATE);
  moot->set_binding("/kubepods/pod1/memory.max = 64Mi");
  pb::Problem* problem = container.add_problems();
  problem->set_key("plimsoll.dev/memory.hihg");
  problem->set_value("5\033[2J");
  problem->set_message("is not a setting");
  problem->set_suggestion("memory.high");
  pb::Event event;
  event.mutable_time()->set_seconds(kNow - 65);
  event.set_type(pb::EVENT_TYPE_WARNING);
  event.set_reason("SettingFailed");
  event.set_namespace_("shop");
  event.set_pod("web-0");
  event.set_container("app");
  event.set_message("cpuset.cpus: EBUSY");
  pb::Event other = event;
  other.set_pod("web-1");
  const pb::Event events[] = {event, other};
  EXPECT_EQ(
      describeContainers(std::span(&container, 1), events, view()),
      "Pod:          web-0\n"
      "Namespace:    shop\n"
      "UID:          u-1\n"
      "QoS Class:    Burstable\n"
      "Container:    app\n"
      "  ID:           4f1c0ffee0004f1c\n"
      "  State:        Running\n"
      "  PID:          4711\n"
      "  Cgroup:       /kubepods/pod1/4f1c\n"
      "  Class:        batch\n"
      "  On Error:     Ignore\n"
      "  Settings:\n"
      "    SETTING       ASKED     BY                         DESIRED   BEFORE      KERNEL HAS   STATE\n"
      "    memory.high   1000001   plimsoll.dev/memory.high   1000001   max         999424       Adjusted\n"
      "        why: the kernel keeps 999424 where 1000001 was asked: it rounds, or limits the value\n"
      "    cpuset.cpus   0-3       plimsoll.dev/cpuset.cpus   0-3       <unknown>   <unknown>    Failed\n"
      "        why: write cpuset.cpus: Device or resource busy (EBUSY)\n"
      "        rule: pinned\n"
      "    memory.max    1Gi       class batch                1Gi       <unknown>   1Gi          Moot\n"
      "        binds instead: /kubepods/pod1/memory.max = 64Mi\n"
      "        late: the container already ran when this was written\n"
      "  Problems:\n"
      "    plimsoll.dev/memory.hihg = 5\\x1b[2J\n"
      "      is not a setting\n"
      "      did you mean memory.high?\n"
      "Events:\n"
      "  AGE   TYPE      REASON          CONTAINER   MESSAGE\n"
      "  65s   Warning   SettingFailed   app         cpuset.cpus: EBUSY\n");
}

TEST(Documents, AreStableAndTellUnknownFromEmpty) {
  pb::Container container = web();
  addSetting(container, "memory.high", "512Mi", pb::SETTING_STATE_APPLIED)->set_actual("");
  const std::string json = toJson(document(std::span<const pb::Container>(&container, 1)));
  EXPECT_EQ(json, R"({
  "apiVersion": "plimsoll.dev/v1",
  "kind": "ContainerList",
  "items": [
    {
      "apiVersion": "plimsoll.dev/v1",
      "kind": "Container",
      "metadata": {
        "namespace": "shop",
        "pod": "web-0",
        "name": "app",
        "podUid": "u-1",
        "id": "4f1c0ffee0004f1c",
        "labels": {
          "a": "1",
          "b": "2"
        }
      },
      "status": {
        "state": "Running",
        "qosClass": "Burstable",
        "class": "batch",
        "onError": "Ignore",
        "summary": "Applied",
        "settingsInOrder": 1,
        "pid": 4711,
        "cgroupPath": "/kubepods/pod1/4f1c",
        "configGeneration": 3,
        "firstSeen": "2027-01-14T06:00:00Z",
        "settings": [
          {
            "key": "memory.high",
            "raw": "512Mi",
            "source": {
              "kind": "PodAnnotation",
              "where": "plimsoll.dev/memory.high"
            },
            "desired": "512Mi",
            "found": null,
            "actual": "",
            "state": "Applied",
            "stage": "Create",
            "file": "memory.high",
            "live": true
          }
        ],
        "problems": []
      }
    }
  ]
}
)");
}

TEST(Documents, KeepControlCharactersOutOfTheTerminal) {
  const JsonValue value = {{"a", "\033[2J\x7f\xC2\x9B\xE2\x80\xAE"}};
  for (const std::string& text : {toJson(value), toYaml(value)}) {
    EXPECT_THAT(text, Not(HasSubstr("\033")));
    EXPECT_THAT(text, Not(HasSubstr("\x7f")));
    EXPECT_THAT(text, Not(HasSubstr("\xC2\x9B")));
    EXPECT_THAT(text, Not(HasSubstr("\xE2\x80\xAE")));
  }
}

TEST(Yaml, QuotesWhatWouldReadAsSomethingElse) {
  const JsonValue value = {{"word", "batch"},
                           {"number", "010"},
                           {"yes", "yes"},
                           {"empty", ""},
                           {"colon", "a: b"},
                           {"null", nullptr},
                           {"int", 5},
                           {"flag", true},
                           {"quote", "a\"\\"},
                           {"lines", "a\nb"},
                           {"unicode", "\xE2\x9A\x93"},
                           {"none", JsonValue::array()},
                           {"list", {"a", {{"k", "v"}, {"l", {1, 2}}}}}};
  EXPECT_EQ(toYaml(value),
            "word: batch\n"
            "number: \"010\"\n"
            "\"yes\": \"yes\"\n"
            "empty: \"\"\n"
            "colon: \"a: b\"\n"
            "\"null\": null\n"
            "int: 5\n"
            "flag: true\n"
            "quote: \"a\\\"\\\\\"\n"
            "lines: \"a\\x0Ab\"\n"
            "unicode: \"\xE2\x9A\x93\"\n"
            "none: []\n"
            "list:\n"
            "- a\n"
            "- k: v\n"
            "  l:\n"
            "  - 1\n"
            "  - 2\n");
}

}  // namespace
}  // namespace plimsoll::cli
