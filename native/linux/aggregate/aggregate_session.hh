// One question that the kernel's programs answer by counting: the programs, and their maps. Knows nothing of
// JavaScript.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "linux/bpf/event_layout.h"
#include "linux/bpf/tally_layout.h"
#include "linux/capture/live_filter.hh"

struct aggregate;

namespace systems_manager {

// As TraceSource of trace/v1.
enum class AggregateSource : uint32_t {
  kSyscall = 1,
  kFileOpen = 2,
  kFileRead = 3,
  kFileWrite = 4,
  kFileUnlink = 5,
  kTcpConnect = 6,
  kTcpAccept = 7,
  kTcpRetransmit = 8,
  kExec = 9,
  kBlockIo = 10,
  kRunQueue = 11,
};

struct AggregateOptions {
  AggregateSource source = AggregateSource::kSyscall;
  tally_part by = BY_NONE;
  // Times, and not how often and how much.
  bool measures_latency = false;
  // Different keys that there is room for.
  uint32_t most_keys = 1;
};

class AggregateSession {
 public:
  // Loads and attaches the programs that the question needs. Throws std::system_error.
  AggregateSession(const AggregateOptions& options, const CaptureFilter& filter);
  AggregateSession(const AggregateSession&) = delete;
  AggregateSession& operator=(const AggregateSession&) = delete;
  // Detaches, which takes tens of milliseconds.
  ~AggregateSession();

  // Any thread. Holds for what begins after it returned. Throws std::system_error, and then nothing changed.
  void SetFilter(const CaptureFilter& filter) { filter_->Set(filter); }

  // Any thread. Everything since the beginning, in words of the machine: attempted, filtered, other, unmatched,
  // untagged processes; of latencies the latency_tally of all; then rows, each a tally_key, its tally or latency_tally,
  // the bytes of its text, and its text with zeros up to a multiple of 8. attempted = filtered + other + unmatched +
  // the rows, and what is on its way; nothing is when it is stopped.
  std::string Read() const;

  // Any thread. Nothing is counted after it returned.
  void Stop();

 private:
  struct DestroyObject {
    void operator()(struct aggregate* object) const;
  };

  void ChooseMaps();
  void AppendRows(std::string& to) const;
  kind_account ReadAccount() const;
  std::string TextOf(const tally_key& key) const;

  const AggregateOptions options_;
  std::unique_ptr<struct aggregate, DestroyObject> object_;
  std::optional<LiveFilter> filter_;
  std::mutex stop_mutex_;
};

}  // namespace systems_manager
