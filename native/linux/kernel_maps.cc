#include "linux/kernel_maps.hh"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace systems_manager {

void Check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

void SizeMap(bpf_map* map, size_t entries) {
  Check(bpf_map__set_max_entries(map, static_cast<uint32_t>(std::max<size_t>(entries, 1))), "size a map");
}

uint64_t DrawSeed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) < 0)
    throw std::system_error(errno, std::generic_category(), "draw a random number");
  return seed;
}

}  // namespace systems_manager
