// One capture session: the kernel's programs, their ring, and the thread that empties it. Knows nothing of JavaScript.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "common/unique_fd.hh"
#include "linux/bpf/event_layout.h"
#include "linux/capture/batch_pool.hh"
#include "linux/capture/capture_filter.hh"
#include "linux/capture/live_filter.hh"
#include "linux/capture/ring_reader.hh"

struct capture;

namespace systems_manager {

struct CaptureOptions {
  // Bit of each wanted kind of event.
  uint32_t kinds = 0;
  // A power of two, at least a page.
  uint32_t ring_bytes = 8 * 1024 * 1024;
  // The kernel wakes the reader when so much waits.
  uint32_t wake_at_bytes = 256 * 1024;
  // The reader looks by itself so often.
  uint32_t look_every_ms = 10;
  // A batch is handed over when it is that large, or the ring is empty.
  uint32_t batch_bytes = 256 * 1024;
  // Batches on their way at one time. Beyond these the reader waits, the ring fills, and the kernel counts what it
  // drops.
  uint32_t batches_in_flight = 8;
  // Of each CPU; 0: no limit.
  uint64_t events_per_second = 0;
};

using Accounts = std::array<kind_account, EVENT_KINDS>;

class CaptureSession {
 public:
  // Called on the reader's thread with whole records, in the order of the ring. They are there until the batch is
  // released, and their memory as long as anybody has it.
  using OnBatch = std::function<void(std::shared_ptr<Batch> batch)>;

  // Loads and attaches. Throws std::system_error.
  CaptureSession(const CaptureOptions& options, const CaptureFilter& filter, OnBatch on_batch);
  CaptureSession(const CaptureSession&) = delete;
  CaptureSession& operator=(const CaptureSession&) = delete;
  // Detaches, which takes tens of milliseconds, and ends the reader.
  ~CaptureSession();

  // Any thread. Holds for every event that begins after it returned. Throws std::system_error, and then nothing
  // changed.
  void SetFilter(const CaptureFilter& filter);

  // Any thread. Of each CPU, from now on; 0: no limit; NO_EVENTS: nothing is let through.
  void SetEventsPerSecond(uint64_t rate);

  // Any thread. A batch was taken: another one may come in its place.
  void ReleaseBatch(uint32_t slot) { batches_.GiveBack(slot); }

  // Any thread. Sums over all CPUs.
  Accounts ReadAccounts() const;

  // Any thread. Processes of a tree that a filter names, for which there was no room, so that their events are missed.
  uint64_t UntaggedProcesses() const;

  // No event begins after it returned; what the ring has is still handed over before the destructor ends.
  void Detach();

 private:
  struct DestroyObject {
    void operator()(struct capture* object) const;
  };

  void WatchRing();
  void ReadUntilStopped();
  void ChoosePrograms();

  const CaptureOptions options_;
  const OnBatch on_batch_;
  std::unique_ptr<struct capture, DestroyObject> object_;
  std::optional<RingReader> ring_;
  UniqueFd wake_up_;
  BatchPool batches_;
  // From when the programs are loaded.
  std::optional<LiveFilter> filter_;
  std::atomic<bool> stopping_{false};
  std::thread reader_;
};

}  // namespace systems_manager
