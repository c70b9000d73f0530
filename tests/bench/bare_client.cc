// bare_client: what every program pays that talks to a hub and to an API server with the libraries
// of the agent: one gRPC channel with TLS, one kept curl connection with TLS, one SQLite database
// in WAL mode, and nothing else. The floor under an agent's memory.
//
//   bare_client HUB HUB_CA_FILE API_SERVER_URL API_CA_FILE FOLDER
//
// Prints "resident_kb anonymous_kb" of itself once all three are connected.

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include "grpcpp/grpcpp.h"
#include <curl/curl.h>
#include <sqlite3.h>

namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

long StatusKb(const std::string& field) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(field, 0) == 0) return std::stol(line.substr(field.size()));
  }
  return 0;
}

size_t Drop(char*, size_t size, size_t count, void*) { return size * count; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: bare_client HUB HUB_CA_FILE API_SERVER_URL API_CA_FILE FOLDER\n");
    return 64;
  }
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadAll(argv[2]);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(argv[1], grpc::SslCredentials(options));
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20))) {
    std::fprintf(stderr, "bare_client: cannot connect to %s\n", argv[1]);
    return 1;
  }
  CURL* easy = curl_easy_init();
  const std::string url = std::string(argv[3]) + "/version";
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_CAINFO, argv[4]);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Drop);
  const CURLcode answered = curl_easy_perform(easy);
  if (answered != CURLE_OK) {
    std::fprintf(stderr, "bare_client: %s: %s\n", url.c_str(), curl_easy_strerror(answered));
    return 1;
  }
  sqlite3* database = nullptr;
  const std::string file = std::string(argv[5]) + "/bare.db";
  const char* statements = "PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);";
  if (sqlite3_open(file.c_str(), &database) != SQLITE_OK ||
      sqlite3_exec(database, statements, nullptr, nullptr, nullptr) != SQLITE_OK) {
    std::fprintf(stderr, "bare_client: %s\n", sqlite3_errmsg(database));
    return 1;
  }
  std::printf("%ld %ld\n", StatusKb("VmRSS:"), StatusKb("RssAnon:"));
  sqlite3_close(database);
  curl_easy_cleanup(easy);
  return 0;
}
