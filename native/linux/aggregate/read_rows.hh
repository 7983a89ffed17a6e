// The rows that programs count in, each summed over the CPUs.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <vector>

#include "linux/bpf/tally_layout.h"

namespace systems_manager {

inline void AddTo(tally& sum, const tally& each) {
  sum.count += each.count;
  sum.sum += each.sum;
}

inline void AddTo(latency_tally& sum, const latency_tally& each) {
  AddTo(sum.tally, each.tally);
  for (size_t slot = 0; slot < LATENCY_SLOTS; slot++) sum.slots[slot] += each.slots[slot];
}

// The per-CPU values of one row.
template <typename Tally>
Tally SumOf(const Tally* per_cpu, size_t cpus) {
  Tally sum{};
  for (size_t cpu = 0; cpu < cpus; cpu++) AddTo(sum, per_cpu[cpu]);
  return sum;
}

// Calls take(key, tally) for each row of a per-CPU hash map, a batch of rows at a time. Throws std::system_error.
template <typename Tally, typename Take>
void ReadRows(int map, uint32_t most_rows, Take take) {
  const size_t cpus = libbpf_num_possible_cpus();
  uint32_t room = std::min<uint32_t>(most_rows, 256);
  std::vector<tally_key> keys;
  std::vector<Tally> values;
  // Where the kernel goes on.
  uint32_t at = 0;
  bool is_first = true;
  for (;;) {
    keys.resize(room);
    values.resize(room * cpus);
    uint32_t rows = room;
    uint32_t next = 0;
    const int result =
        bpf_map_lookup_batch(map, is_first ? nullptr : &at, &next, keys.data(), values.data(), &rows, nullptr);
    // One bucket has more rows than there was room for.
    if (result == -ENOSPC && room < most_rows) {
      room = std::min(2 * room, most_rows);
      continue;
    }
    if (result < 0 && result != -ENOENT) throw std::system_error(-result, std::generic_category(), "read the counts");
    for (uint32_t row = 0; row < rows; row++) take(keys[row], SumOf(values.data() + row * cpus, cpus));
    if (result == -ENOENT) return;
    at = next;
    is_first = false;
  }
}

}  // namespace systems_manager
