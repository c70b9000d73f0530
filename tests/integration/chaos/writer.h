#pragma once

// Writer: people and their tools, who change what the fleet shall be, through commits and through
// the API, while everything goes wrong. Every value that it writes is written once.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/random/random.h"
#include "common/time/real_clock.h"

namespace leidang::chaos {

struct WriterOptions {
  std::string bin;          // Where `leidang` is.
  std::string directory;    // For the repository and scratch files.
  std::string hub_address;  // Of the user port.
  std::string ca_file;
  std::string token_file;
  std::vector<std::string> clusters;
  uint64_t api_percent = 20;  // Of the names that are Applications written through the API.
};

// What one name must be in the end.
struct Wanted {
  std::string cluster;
  bool through_api = false;
  bool alive = false;
  uint64_t value = 0;  // The newest; grows over its end.
  uint64_t ends = 0;   // How often it was deleted.
};

// Thread-compatible.
class Writer {
 public:
  struct Counts {
    uint64_t updates = 0;
    uint64_t creates = 0;
    uint64_t recreates = 0;  // Of the creates, those of a name that was used before.
    uint64_t deletes = 0;
    uint64_t commits = 0;
    uint64_t api_calls = 0;
    uint64_t api_retries = 0;
    uint64_t writes() const { return updates + creates + deletes; }
  };

  // Makes the repository, with one name of each kind for each cluster.
  Writer(WriterOptions options, Random& random);

  // The ApplicationSet that makes the commits Applications, as a file.
  std::string set_file() const { return options_.directory + "/appset.yaml"; }

  // One commit of `count` writes, drawn at random; what goes through the API waits for Deliver.
  void WriteSome(size_t count);
  // Tries the API until something is not accepted, or `calls` were made. True if nothing waits.
  bool Deliver(size_t calls);

  const std::map<std::string, Wanted>& wanted() const { return wanted_; }
  const Counts& counts() const { return counts_; }
  size_t waiting() const { return waiting_.size(); }
  const std::string& last_error() const { return last_error_; }

  struct Answer {
    int code = 0;
    std::string out;
    std::string err;
  };
  // Runs `leidang` with these arguments.
  Answer Leidang(std::vector<std::string> arguments);

 private:
  struct Call {
    std::string name;
    std::string commit;  // Empty: delete.
  };

  void Create(const std::string& name, const std::string& cluster, bool through_api);
  void Update(const std::string& name);
  void Delete(const std::string& name);
  void WriteValue(const std::string& name, const Wanted& wanted);
  std::string PathOf(const std::string& name, const Wanted& wanted) const;
  std::string Manifest(const Call& call) const;
  std::string Commit();
  std::string Git(const std::vector<std::string>& arguments);
  std::string NameFor(const std::string& cluster, bool through_api);
  void WriteSet();

  const WriterOptions options_;
  Random& random_;
  RealClock clock_;
  std::string work_;
  uint64_t names_made_ = 0;
  std::map<std::string, Wanted> wanted_;
  std::vector<Call> fresh_;    // Of this commit.
  std::vector<Call> waiting_;  // In the order in which they are made.
  Counts counts_;
  std::string last_error_;
};

}  // namespace leidang::chaos
