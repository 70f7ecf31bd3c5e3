// The pure parts: text, selectors, events, filters and conversion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "pkg/api/convert.h"
#include "pkg/api/event_ring.h"
#include "pkg/api/fake_source.h"
#include "pkg/api/label_selector.h"
#include "pkg/api/query.h"
#include "pkg/api/utf8.h"

namespace plimsoll::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Utf8, KeepsWhatIsValidAndReplacesTheRest) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"512Mi", "512Mi"},
      {"Schiff \xE2\x9A\x93", "Schiff \xE2\x9A\x93"},
      {"\xF0\x9F\x9A\xA2", "\xF0\x9F\x9A\xA2"},
      {"a\x80z", "a\xEF\xBF\xBDz"},
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                  // overlong
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                  // surrogate
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // above U+10FFFF
      {"cut\xE2\x9A", "cut\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(validUtf8(in), out);
  EXPECT_EQ(validUtf8("abcdef", 4), "abcd...");
  EXPECT_EQ(validUtf8("abc\xE2\x9A\x93", 4), "abc...") << "no character is cut";
}

TEST(LabelSelector, FitsAsKubernetesDoes) {
  const std::map<std::string, std::string, std::less<>> labels = {
      {"app", "web"}, {"tier", "front"}, {"canary", ""}};
  const std::pair<const char*, bool> cases[] = {
      {"", true},
      {"app=web", true},
      {"app==web", true},
      {"app=db", false},
      {"app!=db", true},
      {"app!=web", false},
      {"missing!=x", true},
      {"canary", true},
      {"missing", false},
      {"!missing", true},
      {"!canary", false},
      {"tier in (back,front)", true},
      {"tier in (back)", false},
      {"tier notin (back)", true},
      {"x notin (a)", true},
      {"app=web,tier=front", true},
      {"app=web , tier=back", false},
      {"canary=", true},
      {"tier in (back, front),app=web", true},
  };
  for (const auto& [text, fits] : cases) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_TRUE(selector) << text << ": " << selector.error().message;
    EXPECT_EQ(selector->matches(labels), fits) << text;
  }
}

TEST(LabelSelector, NamesWhatItCannotRead) {
  for (const char* text :
       {"=a", "a in b", "a in (b", "a like (b)", "a b", ",", "a=b,,c", "a!b", "a=b c", "!", "a=(b)"}) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_THAT(selector.error().message, HasSubstr("label selector"));
  }
}

std::vector<uint64_t> numbers(const EventRing::Batch& batch) {
  std::vector<uint64_t> out;
  for (const auto& event : batch.events) out.push_back(event->sequence);
  return out;
}

TEST(EventRing, NumbersKeepsAndCountsWhatItDrops) {
  EventRing ring(3);
  EXPECT_TRUE(ring.read(0, 10).events.empty());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ring.push({}), static_cast<uint64_t>(i + 1));
  EXPECT_THAT(numbers(ring.read(0, 10)), ElementsAre(3, 4, 5));
  EXPECT_EQ(ring.read(0, 10).dropped, 2u);
  EXPECT_EQ(ring.read(1, 10).dropped, 1u);
  EXPECT_EQ(ring.read(2, 10).dropped, 0u);
  EXPECT_THAT(numbers(ring.read(3, 1)), ElementsAre(4));
  EXPECT_THAT(numbers(ring.read(5, 10)), ElementsAre());
  EXPECT_THAT(numbers(ring.read(99, 10)), ElementsAre());
  EXPECT_EQ(ring.lastSequence(), 5u);
  EXPECT_EQ(ring.overwritten(), 2u);
}

TEST(EventRing, GivesATimeOnlyWhereThereIsNone) {
  EventRing ring;
  model::Event event;
  event.time = std::chrono::system_clock::time_point(std::chrono::seconds(5));
  ring.push(event);
  ring.push({});
  const auto batch = ring.read(0, 2);
  EXPECT_EQ(batch.events[0]->time, event.time);
  EXPECT_GT(batch.events[1]->time, event.time);
}

TEST(EventRing, WakesSubscribersUntilTheyLeave) {
  EventRing ring;
  int woken = 0;
  {
    EventRing::Subscription moved;
    {
      auto subscription = ring.subscribe([&] { ++woken; });
      ring.push({});
      moved = std::move(subscription);
    }
    ring.push({});
  }
  ring.push({});
  EXPECT_EQ(woken, 2);
}

class Query : public ::testing::Test {
 protected:
  Query() {
    source_.add(containerReport("default", "db-0", "main", "aaaa1111"));
    source_.add(containerReport("default", "web-0", "app", "bbbb1111"));
    source_.add(containerReport("default", "web-0", "proxy", "bbbb2222"));
    auto managed = containerReport("shop", "web-0", "app", "cccc1111");
    managed.plan.class_name = "batch";
    source_.add(std::move(managed));
  }
  std::vector<std::string> list(const pb::ListContainersRequest& request, const PageLimits& limits = {}) {
    const auto page = listContainers(source_.containers(), request, limits);
    if (!page) return {page.error().message};
    std::vector<std::string> ids;
    for (const auto& container : page->containers()) ids.push_back(container.id());
    token_ = page->next_page_token();
    return ids;
  }
  FakeSource source_;
  std::string token_;
};

TEST_F(Query, FiltersByEachField) {
  pb::ListContainersRequest request;
  EXPECT_THAT(list(request), ElementsAre("aaaa1111", "bbbb1111", "bbbb2222", "cccc1111"));
  request.set_namespace_("default");
  request.set_pod("web-0");
  EXPECT_THAT(list(request), ElementsAre("bbbb1111", "bbbb2222"));
  request.Clear();
  request.set_label_selector("app=db");
  EXPECT_THAT(list(request), ElementsAre("aaaa1111"));
  request.Clear();
  request.set_managed_only(true);
  EXPECT_THAT(list(request), ElementsAre("cccc1111"));
}

TEST_F(Query, PagesByCountAndByBytes) {
  pb::ListContainersRequest request;
  request.set_page_size(3);
  EXPECT_THAT(list(request), ElementsAre("aaaa1111", "bbbb1111", "bbbb2222"));
  request.set_page_token(token_);
  EXPECT_THAT(list(request), ElementsAre("cccc1111"));
  EXPECT_EQ(token_, "");
  request.Clear();
  EXPECT_THAT(list(request, {500, 1}), ElementsAre("aaaa1111")) << "one at least, however small the page";
  EXPECT_NE(token_, "");
  request.set_page_size(-1);
  EXPECT_THAT(list(request), ElementsAre(HasSubstr("page_size")));
  request.set_page_size(0);
  request.set_page_token("nonsense");
  EXPECT_THAT(list(request), ElementsAre(HasSubstr("page_token")));
}

TEST_F(Query, FindsOneContainerOrSaysWhichThereAre) {
  const auto get = [&](const char* id, const char* ns, const char* pod, const char* container) {
    pb::GetContainerRequest request;
    request.set_id(id);
    request.set_namespace_(ns);
    request.set_pod(pod);
    request.set_container(container);
    const auto found = getContainer(source_.containers(), request);
    return found ? found->id()
                 : std::string(errorCodeName(found.error().code)) + ": " + found.error().message;
  };
  EXPECT_EQ(get("aaaa", "", "", ""), "aaaa1111");
  EXPECT_EQ(get("", "default", "db-0", ""), "aaaa1111");
  EXPECT_EQ(get("", "", "web-0", "proxy"), "bbbb2222");
  EXPECT_THAT(get("bbbb", "", "", ""), HasSubstr("default/web-0/app"));
  EXPECT_THAT(get("", "default", "web-0", ""), HasSubstr("fits 2 containers"));
  EXPECT_THAT(get("", "default", "gone", ""), HasSubstr("default/gone"));
  EXPECT_THAT(get("a", "", "", ""), HasSubstr("characters"));
  EXPECT_THAT(get("", "", "", ""), HasSubstr("pod's name"));
}

TEST(Convert, CarriesASettingsWholeJourney) {
  auto report = containerReport("default", "web-0", "app", "abcd1234");
  auto setting = plannedSetting("memory.high", "512Mi", model::State::Failed, "max");
  setting.found = "max";
  setting.error_number = EBUSY;
  setting.reason = "the kernel said no";
  setting.rule = "big-memory";
  setting.binding = "/kubepods/memory.max = 64Mi";
  setting.stage = model::Stage::Late;
  setting.changed_at = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
  report.plan.settings = {setting};
  pb::Container out;
  toProto(report, &out);
  EXPECT_EQ(out.settings(0).DebugString(),
            "key: \"memory.high\"\n"
            "raw: \"512Mi\"\n"
            "source {\n"
            "  kind: SOURCE_KIND_POD_ANNOTATION\n"
            "  where: \"plimsoll.dev/memory.high\"\n"
            "}\n"
            "desired: \"512Mi\"\n"
            "found: \"max\"\n"
            "actual: \"max\"\n"
            "state: SETTING_STATE_FAILED\n"
            "stage: STAGE_LATE\n"
            "reason: \"the kernel said no\"\n"
            "rule: \"big-memory\"\n"
            "error_number: 16\n"
            "error_name: \"EBUSY\"\n"
            "binding: \"/kubepods/memory.max = 64Mi\"\n"
            "changed_at {\n"
            "  seconds: 1\n"
            "  nanos: 500000000\n"
            "}\n"
            "file: \"memory.high\"\n"
            "target: TARGET_CGROUP_FILE\n"
            "live: true\n");
}

TEST(Convert, KeepsUnknownApartFromEmpty) {
  auto report = containerReport("default", "web-0", "app", "abcd1234");
  report.plan.settings = {plannedSetting("memory.high", "rubbish", model::State::Invalid)};
  pb::Container out;
  toProto(report, &out);
  EXPECT_FALSE(out.settings(0).has_found());
  EXPECT_FALSE(out.settings(0).has_actual());
  EXPECT_FALSE(out.settings(0).has_changed_at());
  EXPECT_EQ(out.settings(0).desired(), "");
  EXPECT_FALSE(out.has_rejection());
  EXPECT_FALSE(out.has_first_seen());
  EXPECT_FALSE(out.pod().has_service_account());
}

TEST(Convert, MakesHostileTextFitToBeSent) {
  auto report = containerReport("default", "web-0", "app", "abcd1234");
  model::Problem problem;
  problem.key = "plimsoll.dev/\xff\xfe";
  problem.value = std::string(300'000, 'x');
  report.plan.problems = {problem};
  report.pod.labels = {{"k\xc3", "v\x80"}};
  pb::Container out, back;
  toProto(report, &out);
  EXPECT_LT(out.ByteSizeLong(), 4096u);
  EXPECT_TRUE(back.ParseFromString(out.SerializeAsString())) << "valid UTF-8 throughout";
  EXPECT_TRUE(hasProblems(report));
  EXPECT_TRUE(isManaged(report));
}

}  // namespace
}  // namespace plimsoll::api
