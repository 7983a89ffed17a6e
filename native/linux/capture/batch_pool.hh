// Memory in which records are handed over: written by the reader, lent, given back, and written again. New memory for
// each batch costs more than all else that is done with it, by the faults of its pages.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace systems_manager {

struct Batch {
  Batch(uint32_t number, size_t most_bytes) : slot(number), room(most_bytes), bytes(new char[most_bytes]) {}

  const uint32_t slot;
  const size_t room;
  // Not touched before it is written, as it may never be.
  const std::unique_ptr<char[]> bytes;
  size_t size = 0;
  // Of whoever it is lent to.
  bool is_shown = false;
};

class BatchPool {
 public:
  // Of batches with so much room each.
  BatchPool(size_t room, uint32_t most_lent) : room_(room), most_lent_(most_lent) {}

  // The reader's thread. Waits while all are lent; after StopWaiting it adds one instead. The one that was
  // given back last comes first: a cache may still have it.
  std::shared_ptr<Batch> Take();

  // Any thread. It may be written again.
  void GiveBack(uint32_t slot);

  // Any thread. What the ring still has must not wait for those who never give anything back.
  void StopWaiting();

 private:
  const size_t room_;
  const uint32_t most_lent_;
  std::mutex mutex_;
  // The mutex guards what follows.
  std::condition_variable given_back_;
  std::vector<std::shared_ptr<Batch>> batches_;
  std::vector<uint32_t> free_slots_;
  bool waits_ = true;
};

}  // namespace systems_manager
