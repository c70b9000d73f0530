#include "agent/cluster/curl_transport.h"

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <curl/curl.h>

#include "agent/cluster/api_credentials.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

constexpr long kRequestMillis = 60'000;
constexpr long kConnectMillis = 10'000;
// Servers say something on a watch once a minute at least.
constexpr long kSilentStreamSeconds = 180;
constexpr long kStreamsPerConnection = 100;
constexpr int kPollMillis = 10'000;
constexpr size_t kIdleMax = 8;  // Handles, of some ten kB each.
constexpr size_t kAnswerBytesMax = size_t{256} << 20;
constexpr size_t kLineBytesMax = size_t{32} << 20;
// Of lines of one stream that its reader has not taken: where it is paused, and goes on.
constexpr size_t kUntakenMax = size_t{4} << 20;
constexpr size_t kUntakenLow = size_t{1} << 20;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CloseMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

}  // namespace

// Touched on the client's loop only.
struct CurlTransport::Ends {
  explicit Ends(EventLoop& l) : loop(l) {}

  struct Callbacks {
    std::function<void()> on_open;
    OnLine on_line;
    Done done;
  };
  EventLoop& loop;
  std::map<uint64_t, Callbacks> callbacks;
};

// The transfers of one I/O loop. Start, Cancel and Stop are thread-safe; all else is on that loop.
class CurlTransport::Pump : public std::enable_shared_from_this<CurlTransport::Pump> {
 public:
  Pump(EventLoop& io, std::shared_ptr<Ends> ends, ApiEndpoint endpoint)
      : io_(io),
        ends_(std::move(ends)),
        endpoint_(std::move(endpoint)),
        credentials_(io.clock(), endpoint_),
        multi_(curl_multi_init()) {
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  }
  ~Pump() {
    for (auto& [id, transfer] : transfers_) {
      curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    }
  }

  enum class Sort : uint8_t { kRequest, kStream };
  void Start(uint64_t id, ApiRequest request, Sort sort) {
    io_.Post([self = shared_from_this(), id, sort, request = std::move(request)]() mutable {
      self->Begin(id, std::move(request), sort);
    });
    Wake();
  }
  void Cancel(uint64_t id) {
    io_.Post([self = shared_from_this(), id] { self->Drop(id); });
    Wake();
  }
  void Stop() {
    stopped_ = true;
    Wake();
  }

 private:
  struct Transfer {
    Pump* pump = nullptr;
    uint64_t id = 0;
    Sort sort = Sort::kRequest;
    ApiRequest request;
    std::unique_ptr<CURL, CloseEasy> easy;
    std::unique_ptr<curl_slist, FreeList> headers;
    ApiResponse response;
    std::string line;  // The beginning of the next one.
    // Bytes; lowered on the client's loop.
    std::shared_ptr<std::atomic<size_t>> untaken = std::make_shared<std::atomic<size_t>>(0);
    bool paused = false;
    ApiIdentity identity;
    char error[CURL_ERROR_SIZE] = {};
  };

  // One is enough until the next turn, which comes after all that was posted before it.
  void Wake() {
    if (!woken_.exchange(true)) curl_multi_wakeup(multi_.get());
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* user) {
    auto* transfer = static_cast<Transfer*>(user);
    if (*transfer->untaken > kUntakenMax) {
      transfer->paused = true;
      return CURL_WRITEFUNC_PAUSE;  // It comes again.
    }
    return transfer->pump->Take(*transfer, absl::string_view(data, size * count)) ? size * count
                                                                                  : 0;
  }
  static size_t OnHeader(char* data, size_t size, size_t count, void* user) {
    const absl::string_view header(data, size * count);
    constexpr absl::string_view kRetryAfter = "retry-after:";
    int seconds = 0;
    if (header == "\r\n") {
      auto* transfer = static_cast<Transfer*>(user);
      transfer->pump->TellOpen(*transfer);
    }
    if (absl::StartsWithIgnoreCase(header, kRetryAfter) &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(header.substr(kRetryAfter.size())), &seconds)) {
      static_cast<Transfer*>(user)->response.retry_after = absl::Seconds(seconds);
    }
    return size * count;
  }

  bool Take(Transfer& transfer, absl::string_view data) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (transfer.sort == Sort::kRequest || status >= 300) {
      absl::StrAppend(&transfer.response.body, data);
      return transfer.response.body.size() <= kAnswerBytesMax;
    }
    while (true) {
      const size_t end = data.find('\n');
      absl::StrAppend(&transfer.line, data.substr(0, end));
      if (end == absl::string_view::npos) return transfer.line.size() <= kLineBytesMax;
      data.remove_prefix(end + 1);
      if (!transfer.line.empty()) Tell(transfer, std::exchange(transfer.line, {}));
    }
  }

  // At the end of the headers.
  void TellOpen(const Transfer& transfer) {
    if (transfer.sort != Sort::kStream) return;
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300) return;
    ends_->loop.Post([ends = ends_, id = transfer.id] {
      const auto found = ends->callbacks.find(id);
      if (found == ends->callbacks.end()) return;
      const std::function<void()> on_open = std::exchange(found->second.on_open, nullptr);
      if (on_open != nullptr) on_open();
    });
  }

  void Tell(const Transfer& transfer, std::string line) {
    *transfer.untaken += line.size();
    ends_->loop.Post([self = weak_from_this(), ends = ends_, id = transfer.id,
                      untaken = transfer.untaken, line = std::move(line)] {
      const auto found = ends->callbacks.find(id);
      if (found == ends->callbacks.end()) return;
      const OnLine on_line = found->second.on_line;
      on_line(line);
      const size_t before = untaken->fetch_sub(line.size());
      if (before < kUntakenLow || before - line.size() >= kUntakenLow) return;
      if (const std::shared_ptr<Pump> pump = self.lock()) pump->GoOn(id);
    });
  }

  // Thread-safe.
  void GoOn(uint64_t id) {
    io_.Post([self = shared_from_this(), id] {
      const auto found = self->transfers_.find(id);
      if (found == self->transfers_.end()) return;
      // What waits is delivered inside the call, which may pause it again.
      if (std::exchange(found->second->paused, false)) {
        curl_easy_pause(found->second->easy.get(), CURLPAUSE_CONT);
      }
    });
    Wake();
  }

  void Answer(uint64_t id, absl::StatusOr<ApiResponse> answer) {
    ends_->loop.Post([ends = ends_, id, answer = std::move(answer)]() mutable {
      const auto found = ends->callbacks.find(id);
      if (found == ends->callbacks.end()) return;
      const Done done = std::move(found->second.done);
      ends->callbacks.erase(found);
      done(std::move(answer));
    });
  }

  static curl_blob Blob(const std::string& text) {
    curl_blob blob{};
    blob.data = const_cast<char*>(text.data());
    blob.len = text.size();
    blob.flags = CURL_BLOB_COPY;
    return blob;
  }

  void Begin(uint64_t id, ApiRequest request, Sort sort) {
    auto transfer = std::make_unique<Transfer>();
    transfer->pump = this;
    transfer->id = id;
    transfer->sort = sort;
    transfer->request = std::move(request);
    absl::StatusOr<ApiIdentity> identity = credentials_.Get();
    if (!identity.ok()) return Answer(id, identity.status());
    transfer->identity = *std::move(identity);
    if (sort == Sort::kRequest && !idle_.empty()) {
      transfer->easy = std::move(idle_.back());
      idle_.pop_back();
    } else {
      transfer->easy.reset(curl_easy_init());
      CHECK(transfer->easy != nullptr);
      SetForGood(transfer->easy.get(), sort);
    }
    SetHeaders(*transfer);
    SetOptions(*transfer);
    SetIdentity(*transfer);
    curl_multi_add_handle(multi_.get(), transfer->easy.get());
    transfers_[id] = std::move(transfer);
    if (!running_) Run();
  }

  void SetHeaders(Transfer& transfer) {
    const auto add = [&](const std::string& header) {
      transfer.headers.reset(curl_slist_append(transfer.headers.release(), header.c_str()));
    };
    add(absl::StrCat("Accept: ", transfer.request.accept));
    add("User-Agent: leidang-agent");
    add("Expect:");
    if (!transfer.request.content_type.empty()) {
      add(absl::StrCat("Content-Type: ", transfer.request.content_type));
    }
    const Secret& token = transfer.identity.token;
    if (!token.empty()) add(absl::StrCat("Authorization: Bearer ", token.Reveal()));
  }

  // What all transfers of a handle have in common.
  void SetForGood(CURL* easy, Sort sort) {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMillis);
    curl_easy_setopt(easy, CURLOPT_PROXY, endpoint_.proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
    if (sort == Sort::kRequest) {
      curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kRequestMillis);
    } else {
      curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kSilentStreamSeconds);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (endpoint_.authority.empty()) return;
    const curl_blob blob = Blob(endpoint_.authority);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }

  void SetOptions(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const std::string url = absl::StrCat(endpoint_.server, transfer.request.path);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    if (transfer.request.method != "GET") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                       static_cast<long>(transfer.request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.request.body.data());
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer.request.method.c_str());
    } else {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
  }

  void SetIdentity(const Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    if (transfer.identity.certificate.empty()) {
      curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, nullptr);
      curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, nullptr);
      return;
    }
    const curl_blob certificate = Blob(transfer.identity.certificate);
    const curl_blob key = Blob(transfer.identity.key.Reveal());
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
    curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
  }

  void Drop(uint64_t id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    Transfer& transfer = *found->second;
    CURL* easy = transfer.easy.get();
    curl_multi_remove_handle(multi_.get(), easy);
    if (transfer.sort == Sort::kRequest && idle_.size() < kIdleMax) {
      // What it points to ends here.
      for (const CURLoption pointer :
           {CURLOPT_ERRORBUFFER, CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA,
            CURLOPT_HTTPHEADER, CURLOPT_POSTFIELDS}) {
        curl_easy_setopt(easy, pointer, nullptr);
      }
      idle_.push_back(std::move(transfer.easy));
    }
    transfers_.erase(found);
  }

  // One turn; the next is posted, so that what others posted comes in between.
  void Run() {
    running_ = false;
    if (stopped_) return;
    int active = 0;
    curl_multi_perform(multi_.get(), &active);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) Finish(message->easy_handle, message->data.result);
    }
    if (transfers_.empty()) return;
    if (active > 0) curl_multi_poll(multi_.get(), nullptr, 0, kPollMillis, nullptr);
    woken_ = false;
    running_ = true;
    io_.Post([self = weak_from_this()] {
      if (const std::shared_ptr<Pump> pump = self.lock()) pump->Run();
    });
  }

  void Finish(CURL* easy, CURLcode result) {
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    const uint64_t id = transfer->id;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 401) credentials_.Refused();  // It may have been renewed a moment ago.
    if (result == CURLE_OK) {
      transfer->response.status = static_cast<int>(status);
      Answer(id, std::move(transfer->response));
    } else {
      const absl::string_view why =
          transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
      const std::string text = absl::StrCat("no answer from ", endpoint_.server, ": ", why);
      Answer(id, result == CURLE_OPERATION_TIMEDOUT ? absl::DeadlineExceededError(text)
                                                    : absl::UnavailableError(text));
    }
    Drop(id);
  }

  EventLoop& io_;
  const std::shared_ptr<Ends> ends_;
  const ApiEndpoint endpoint_;
  ApiCredentials credentials_;
  const std::unique_ptr<CURLM, CloseMulti> multi_;
  std::map<uint64_t, std::unique_ptr<Transfer>> transfers_;
  std::vector<std::unique_ptr<CURL, CloseEasy>> idle_;  // Of requests; to be used again.
  bool running_ = false;                                // A turn has been posted.
  // curl has been told to end its wait, or need not be.
  std::atomic<bool> woken_ = false;
  std::atomic<bool> stopped_ = false;
};

CurlTransport::CurlTransport(EventLoop& loop, EventLoop& request_io, EventLoop& stream_io,
                             const ApiEndpoint& endpoint)
    : ends_(std::make_shared<Ends>(loop)),
      requests_(std::make_shared<Pump>(request_io, ends_, endpoint)),
      streams_(std::make_shared<Pump>(stream_io, ends_, endpoint)) {}

CurlTransport::~CurlTransport() { ends_->callbacks.clear(); }

void CurlTransport::Send(ApiRequest request, Done done) {
  const uint64_t id = ++last_id_;
  ends_->callbacks[id] = {nullptr, nullptr, std::move(done)};
  requests_->Start(id, std::move(request), Pump::Sort::kRequest);
}

ApiTransport::StreamId CurlTransport::Stream(ApiRequest request, StreamCalls calls) {
  const uint64_t id = ++last_id_;
  ends_->callbacks[id] = {std::move(calls.on_open), std::move(calls.on_line),
                          std::move(calls.on_end)};
  streams_->Start(id, std::move(request), Pump::Sort::kStream);
  return id;
}

void CurlTransport::Cancel(StreamId stream) {
  ends_->callbacks.erase(stream);
  streams_->Cancel(stream);
}

void CurlTransport::Stop() {
  requests_->Stop();
  streams_->Stop();
}

}  // namespace leidang::agent
