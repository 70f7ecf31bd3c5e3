#include "pkg/http/request.h"

#include <gtest/gtest.h>

#include "pkg/http/address.h"

namespace plimsoll::http {
namespace {

constexpr size_t kLimit = 1024;

TEST(Request, TakesPathAndQueryApart) {
  const Parsed parsed =
      parseRequest("GET /readyz?verbose&x=1 HTTP/1.1\r\nHost: a\r\nX-Any: thing\r\n\r\n", kLimit);
  ASSERT_TRUE(parsed.request);
  EXPECT_EQ(parsed.request->method, Method::Get);
  EXPECT_EQ(parsed.request->path, "/readyz");
  EXPECT_TRUE(parsed.request->has("verbose"));
  EXPECT_TRUE(parsed.request->has("x"));
  EXPECT_FALSE(parsed.request->has("verb"));
}

TEST(Request, NeedsNoFields) { EXPECT_TRUE(parseRequest("HEAD /livez HTTP/1.0\r\n\r\n", kLimit).request); }

TEST(Request, WaitsForTheWholeHeadAtEveryCut) {
  const std::string whole = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    const Parsed parsed = parseRequest(whole.substr(0, size), kLimit);
    EXPECT_FALSE(parsed.request) << size;
    EXPECT_EQ(parsed.refused, 0) << size;
  }
  EXPECT_TRUE(parseRequest(whole, kLimit).request);
}

struct Refused {
  std::string bytes;
  int status;
};

class RefusedRequest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequest, IsAnsweredWithItsStatus) {
  const Parsed parsed = parseRequest(GetParam().bytes, kLimit);
  EXPECT_FALSE(parsed.request);
  EXPECT_EQ(parsed.refused, GetParam().status) << GetParam().bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedRequest,
    testing::Values(Refused{"POST /metrics HTTP/1.1\r\n\r\n", 405}, Refused{"get / HTTP/1.1\r\n\r\n", 405},
                    Refused{"GET /\r\n\r\n", 400}, Refused{"GET  / HTTP/1.1\r\n\r\n", 400},
                    Refused{"GET metrics HTTP/1.1\r\n\r\n", 400}, Refused{"GET / HTTP/2.0\r\n\r\n", 505},
                    Refused{"GET / ICY/1.1\r\n\r\n", 400}, Refused{"\r\n\r\n", 400},
                    Refused{std::string("GET /\0 HTTP/1.1\r\n\r\n", 19), 400},
                    Refused{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
                    Refused{"GET / HTTP/1.1\r\n : x\r\n\r\n", 400},
                    Refused{"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
                    Refused{"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 413},
                    Refused{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                    Refused{"GET /" + std::string(kLimit, 'a') + " HTTP/1.1\r\n\r\n", 431},
                    Refused{std::string(kLimit + 1, 'a'), 431}));

TEST(Address, ReadsWhatItPrints) {
  for (const char* text : {"127.0.0.1:9471", "0.0.0.0:0", "[::1]:80", "unix:/run/plimsoll/http.sock"}) {
    const auto address = parseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(toString(*address), text);
  }
  EXPECT_EQ(parseAddress("/run/x.sock")->path, "/run/x.sock");
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "9471", ":9471", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "unix:relative", "[]:1"}) {
    EXPECT_FALSE(parseAddress(text)) << text;
  }
  EXPECT_FALSE(parseAddress("/" + std::string(200, 'a')));
}

}  // namespace
}  // namespace plimsoll::http
