#include "linux/capture/path_filter.hh"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "linux/bpf/session_layout.h"

namespace systems_manager {
namespace {

path_prefix_key KeyOf(const std::string& path, uint32_t generation) {
  if (path.empty() || path.front() != '/')
    throw std::system_error(EINVAL, std::generic_category(), "filter by the path \"" + path + "\"");
  // "/" is its own slash.
  const size_t end = path.find_last_not_of('/');
  const std::string names = (end == std::string::npos ? "" : path.substr(0, end + 1)) + "/";
  path_prefix_key key{};
  if (names.size() >= sizeof(key.path))
    throw std::system_error(ENAMETOOLONG, std::generic_category(), "filter by the path " + path);
  key.generation = generation;
  key.prefix_bits = static_cast<uint32_t>(8 * (sizeof(key.generation) + names.size()));
  std::memcpy(key.path, names.data(), names.size());
  return key;
}

}  // namespace

void WritePaths(int map, const std::vector<std::string>& paths, uint32_t generation) {
  const uint8_t present = 1;
  for (const auto& path : paths) {
    const auto key = KeyOf(path, generation);
    const int result = bpf_map_update_elem(map, &key, &present, BPF_ANY);
    if (result < 0) throw std::system_error(-result, std::generic_category(), "write the filter");
  }
}

}  // namespace systems_manager
