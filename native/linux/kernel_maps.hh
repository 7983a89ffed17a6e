// The maps that the kernel's programs share with us.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace systems_manager {

// Throws std::system_error for the negative errno of a call of libbpf, which was to do `what`.
void Check(int result, const char* what);

// Before it is loaded. A map has room for one at least.
void SizeMap(bpf_map* map, size_t entries);

// What somebody who chooses the texts that are hashed cannot know.
uint64_t DrawSeed();

// All keys that a map has now. If none is taken away during the walk, it meets each that was there at its beginning.
template <typename Key>
std::vector<Key> KeysOf(const bpf_map* map) {
  std::vector<Key> keys;
  Key key;
  const void* before = nullptr;
  // Keys that come during the walk could make it long.
  const uint32_t most = bpf_map__max_entries(map);
  while (keys.size() < most && bpf_map_get_next_key(bpf_map__fd(map), before, &key) == 0) {
    keys.push_back(key);
    before = &key;
  }
  return keys;
}

}  // namespace systems_manager
