#include "linux/capture/batch_pool.hh"

#include <algorithm>

namespace systems_manager {

std::shared_ptr<Batch> BatchPool::Take() {
  std::unique_lock lock(mutex_);
  given_back_.wait(lock, [this] { return !free_slots_.empty() || batches_.size() < most_lent_ || !waits_; });
  if (free_slots_.empty()) {
    batches_.push_back(std::make_shared<Batch>(static_cast<uint32_t>(batches_.size()), room_));
    return batches_.back();
  }
  const auto slot = free_slots_.back();
  free_slots_.pop_back();
  return batches_[slot];
}

void BatchPool::GiveBack(uint32_t slot) {
  {
    const std::lock_guard lock(mutex_);
    // One that is not lent cannot be given back.
    const bool is_free = std::find(free_slots_.begin(), free_slots_.end(), slot) != free_slots_.end();
    if (slot >= batches_.size() || is_free) return;
    free_slots_.push_back(slot);
  }
  given_back_.notify_one();
}

void BatchPool::StopWaiting() {
  {
    const std::lock_guard lock(mutex_);
    waits_ = false;
  }
  given_back_.notify_all();
}

}  // namespace systems_manager
