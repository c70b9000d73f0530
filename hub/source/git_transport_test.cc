// MirrorGitSource against real servers: git's own CGI behind TLS, and OpenSSH.

#include <filesystem>
#include <memory>
#include <poll.h>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/process/child_process.h"
#include "common/time/real_clock.h"
#include "common/time/workers.h"
#include "hub/source/mirror_git_source.h"
#include "hub/source/source_error.h"
#include "tests/support/git/git_repository.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

namespace fs = std::filesystem;
using ::leidang::testing::GitRepository;
using ::leidang::testing::ReadFile;
using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::leidang::testing::WriteFile;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSearchPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

ChildCommand Program(const std::vector<std::string>& argv) {
  ChildCommand command;
  command.argv = argv;
  command.argv[0] = FindProgram(argv[0], kSearchPath).value_or(argv[0]);
  command.environment = {absl::StrCat("PATH=", kSearchPath), "HOME=/nonexistent"};
  return command;
}

void RunTool(const std::vector<std::string>& argv) {
  RealClock clock;
  const auto result = RunChild(Program(argv), clock, nullptr);
  ASSERT_OK(result);
  ASSERT_TRUE(result->Succeeded()) << argv[0] << ": " << result->err;
}

// A server program that runs until the object goes.
class Server {
 public:
  explicit Server(const std::vector<std::string>& argv) : runner_("server", 1) {
    ChildCommand command = Program(argv);
    command.deadline = absl::Minutes(5);
    runner_.Run([this, command] {
      const auto result = RunChild(command, clock_, &stop_);
      if (result.ok() && result->end != ChildResult::End::kCancelled) {
        ADD_FAILURE() << command.argv[0] << " ended: " << result->err;
      }
    });
  }
  ~Server() {
    stop_.Cancel();
    runner_.Stop();
  }

 private:
  RealClock clock_;
  CancelSignal stop_;
  WorkerThreads runner_;
};

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool Connects(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool good =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return good;
}

// A socket on a port of its own that accepts connections by the kernel alone and never says a word.
class MuteListener {
 public:
  MuteListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    port_ = ntohs(address.sin_port);
  }
  ~MuteListener() { ::close(fd_); }
  int port() const { return port_; }

 private:
  const int fd_;
  int port_ = 0;
};

std::string Noise(size_t size) {
  std::string noise;
  uint64_t state = 1;
  while (noise.size() < size) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  return noise;
}

class GitTransportTest : public ::testing::Test {
 protected:
  GitTransportTest() : repository_(directory_.path()) {
    MirrorSettings settings;
    settings.directory = directory_ / "mirrors";
    source_ = *MirrorGitSource::Create(settings, clock_);
    commit_ = repository_.Commit("main", {{"a", {"1"}}}, "first");
  }

  RealClock clock_;
  TempDir directory_;
  GitRepository repository_;
  std::unique_ptr<MirrorGitSource> source_;
  GitId commit_;
};

class HttpsTest : public GitTransportTest {
 protected:
  void Start(const std::string& authorization) {
    const std::string key = directory_ / "key.pem";
    const std::string certificate = directory_ / "certificate.pem";
    RunTool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=IP:127.0.0.1"});
    ca_ = ReadFile(certificate);
    const std::string port_file = directory_ / "port";
    server_ = std::make_unique<Server>(std::vector<std::string>{
        "python3", fs::absolute("hub/source/testdata/git_https_server.py").string(),
        directory_.path(), certificate, key, authorization, port_file});
    for (int tries = 0; tries < 1000 && !fs::exists(port_file); ++tries) ::poll(nullptr, 0, 10);
    ASSERT_TRUE(fs::exists(port_file)) << "the server did not start";
    port_ = ReadFile(port_file);
  }

  std::string Url(const std::string& prefix = "", const std::string& user_info = "") const {
    return absl::StrCat("https://", user_info, "127.0.0.1:", port_, prefix, "/repo.git");
  }

  static std::string Basic(const std::string& user, const std::string& password) {
    return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(user, ":", password)));
  }

  std::string ca_;
  std::string port_;
  std::unique_ptr<Server> server_;
};

TEST_F(HttpsTest, UserAndPasswordOpenTheRepository) {
  Start(Basic("robot", "p@ss/w:rd%"));
  const Repository repository{
      .url = Url(), .credentials = {.user = "robot", .password = "p@ss/w:rd%", .tls_ca = ca_}};
  ASSERT_OK(source_->Fetch(repository, {}));
  EXPECT_EQ(source_->Resolve(Url(), {"", ""})->commit, commit_);
}

TEST_F(HttpsTest, ATokenAloneIsAPassword) {
  Start(Basic("git", "token-123"));
  EXPECT_OK(
      source_->Fetch({.url = Url(), .credentials = {.password = "token-123", .tls_ca = ca_}}, {}));
}

TEST_F(HttpsTest, CredentialsInTheUrlAreUsedAndNotShown) {
  Start(Basic("robot", "right-secret"));
  EXPECT_OK(
      source_->Fetch({.url = Url("", "robot:right-secret@"), .credentials = {.tls_ca = ca_}}, {}));
  const auto wrong =
      source_->Fetch({.url = Url("", "robot:wrong-secret@"), .credentials = {.tls_ca = ca_}}, {});
  EXPECT_EQ(SourceReasonOf(wrong.status()), SourceReason::kAuthenticationFailed);
  EXPECT_THAT(wrong.status().ToString(), Not(HasSubstr("wrong-secret")));
}

TEST_F(HttpsTest, ABearerTokenIsSentAsOne) {
  Start("Bearer abc.def");
  EXPECT_OK(source_->Fetch(
      {.url = Url(), .credentials = {.bearer_token = "abc.def", .tls_ca = ca_}}, {}));
  const auto wrong =
      source_->Fetch({.url = Url(), .credentials = {.bearer_token = "other", .tls_ca = ca_}}, {});
  EXPECT_EQ(SourceReasonOf(wrong.status()), SourceReason::kAuthenticationFailed) << wrong.status();
}

TEST_F(HttpsTest, WithoutCredentialsNobodyIsAsked) {
  Start(Basic("robot", "secret"));
  const auto result = source_->Fetch({.url = Url(), .credentials = {.tls_ca = ca_}}, {});
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnauthenticated,
                               HasSubstr("correct the repository's credentials")));
}

TEST_F(HttpsTest, AServerThatNobodyVouchesForIsRefused) {
  Start("");
  const auto result = source_->Fetch({.url = Url()}, {});
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(result.status().ToString(), HasSubstr("certificate"));
}

TEST_F(HttpsTest, ARedirectIsFollowedButNotWithABearerToken) {
  Start("");
  EXPECT_OK(source_->Fetch({.url = Url("/moved"), .credentials = {.tls_ca = ca_}}, {}));
  EXPECT_FALSE(
      source_
          ->Fetch({.url = Url("/moved"), .credentials = {.bearer_token = "abc", .tls_ca = ca_}}, {})
          .ok());
}

TEST_F(HttpsTest, ARepositoryThatIsNotThereIsUnreachable) {
  Start("");
  const auto result = source_->Fetch(
      {.url = absl::StrReplaceAll(Url(), {{"repo", "none"}}), .credentials = {.tls_ca = ca_}}, {});
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(result.status().ToString(), HasSubstr("not found"));
}

TEST_F(HttpsTest, AServerThatFallsSilentInMidPackIsGivenUp) {
  Start("");
  const Repository repository{.url = Url("/stall"), .credentials = {.tls_ca = ca_}};
  ASSERT_OK(source_->Fetch(repository, {})) << "small answers pass";
  repository_.Commit("main", {{"noise", {Noise(100'000)}}}, "large");
  FetchOptions options;
  options.limits.silence_max = absl::Seconds(2);
  const auto result = source_->Fetch(repository, options);
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_EQ(source_->Resolve(repository.url, {"main", ""})->commit, commit_);
}

TEST_F(GitTransportTest, AServerThatAcceptsAndSaysNothingIsGivenUp) {
  const MuteListener listener;
  FetchOptions options;
  options.limits.silence_max = absl::Seconds(1);
  const auto result = source_->Fetch(
      {.url = absl::StrCat("https://127.0.0.1:", listener.port(), "/repo.git")}, options);
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
}

class SshTest : public GitTransportTest {
 protected:
  void SetUp() override {
    for (const char* name : {"host", "client", "stranger"}) {
      RunTool(
          {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", directory_ / name});
    }
    if (::getuid() == 0) fs::create_directories("/run/sshd");
    {
      const MuteListener free_port;
      port_ = free_port.port();
    }
    WriteFile(directory_ / "authorized", ReadFile(directory_ / "client.pub"));
    WriteFile(directory_ / "sshd_config",
              absl::StrCat("Port ", port_, "\nListenAddress 127.0.0.1\nHostKey ",
                           directory_ / "host", "\nAuthorizedKeysFile ", directory_ / "authorized",
                           "\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
                           "PermitRootLogin prohibit-password\n"));
    server_ = std::make_unique<Server>(
        std::vector<std::string>{"sshd", "-D", "-e", "-f", directory_ / "sshd_config"});
    for (int tries = 0; tries < 500 && !Connects(port_); ++tries) ::poll(nullptr, 0, 10);
    ASSERT_TRUE(Connects(port_));
  }

  std::string Url() const {
    return absl::StrCat("ssh://", ::getpwuid(::getuid())->pw_name, "@127.0.0.1:", port_,
                        repository_.path());
  }
  std::string KnownHost(const std::string& name) const {
    return absl::StrCat("[127.0.0.1]:", port_, " ", ReadFile(directory_ / (name + ".pub")));
  }

  int port_ = 0;
  std::unique_ptr<Server> server_;
};

TEST_F(SshTest, AKeyAndTheKnownHostOpenTheRepository) {
  const Repository repository{.url = Url(),
                              .credentials = {.ssh_key = ReadFile(directory_ / "client"),
                                              .ssh_known_hosts = KnownHost("host")}};
  ASSERT_OK(source_->Fetch(repository, {}));
  EXPECT_EQ(source_->Resolve(Url(), {"", ""})->commit, commit_);
}

TEST_F(SshTest, AnotherHostKeyIsRefused) {
  const Repository repository{.url = Url(),
                              .credentials = {.ssh_key = ReadFile(directory_ / "client"),
                                              .ssh_known_hosts = KnownHost("stranger")}};
  EXPECT_THAT(source_->Fetch(repository, {}),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("known hosts")));
}

TEST_F(SshTest, AKeyThatTheServerDoesNotKnowIsRefused) {
  const Repository repository{.url = Url(),
                              .credentials = {.ssh_key = ReadFile(directory_ / "stranger"),
                                              .ssh_known_hosts = KnownHost("host")}};
  EXPECT_THAT(source_->Fetch(repository, {}),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("Permission denied")));
}

}  // namespace
}  // namespace leidang::hub
