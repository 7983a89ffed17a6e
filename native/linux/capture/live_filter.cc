#include "linux/capture/live_filter.hh"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "linux/capture/path_filter.hh"
#include "linux/kernel_maps.hh"

namespace systems_manager {
namespace {

template <typename Value>
filter_key KeyOf(uint32_t generation, filter_criterion criterion, const Value& value) {
  filter_key key{generation, criterion, {}};
  static_assert(sizeof(value) <= sizeof(key.value));
  std::memcpy(key.value, &value, sizeof(value));
  return key;
}

std::vector<filter_key> FilterKeysOf(const CaptureFilter& filter, uint32_t generation) {
  std::vector<filter_key> keys;
  for (const auto pid : filter.pids) keys.push_back(KeyOf(generation, FILTER_PID, pid));
  for (const auto cgroup : filter.cgroups) keys.push_back(KeyOf(generation, FILTER_CGROUP, cgroup));
  for (const auto user : filter.users) keys.push_back(KeyOf(generation, FILTER_USER, user));
  for (const auto& comm : filter.comms) {
    filter_key key{generation, FILTER_COMM, {}};
    std::strncpy(key.value, comm.c_str(), COMM_BYTES - 1);
    keys.push_back(key);
  }
  for (const auto port : filter.ports) keys.push_back(KeyOf(generation, FILTER_PORT, port));
  for (const auto root : filter.roots) keys.push_back(KeyOf(generation, FILTER_TREE, root));
  return keys;
}

network_key KeyOf(uint32_t generation, const Network& network) {
  network_key key{0, generation, AF_INET, {}};
  if (inet_pton(AF_INET, network.address.c_str(), key.address) != 1) {
    key.family = AF_INET6;
    if (inet_pton(AF_INET6, network.address.c_str(), key.address) != 1)
      throw std::system_error(EINVAL, std::generic_category(), "filter by the network " + network.address);
  }
  const uint32_t most = key.family == AF_INET ? 32 : 128;
  if (network.bits > most)
    throw std::system_error(EINVAL, std::generic_category(),
                            "filter by the first " + std::to_string(network.bits) + " bits of " + network.address);
  key.prefix_bits = 8 * (sizeof(key.generation) + sizeof(key.family)) + network.bits;
  return key;
}

template <typename Key>
void RemoveGeneration(const bpf_map* map, uint32_t generation) {
  for (const auto& key : KeysOf<Key>(map))
    if (key.generation == generation) bpf_map_delete_elem(bpf_map__fd(map), &key);
}

uint32_t CriteriaOf(const CaptureFilter& filter) {
  uint32_t criteria = 0;
  if (!filter.pids.empty()) criteria |= FILTER_PID;
  if (!filter.cgroups.empty()) criteria |= FILTER_CGROUP;
  if (!filter.users.empty()) criteria |= FILTER_USER;
  if (!filter.comms.empty()) criteria |= FILTER_COMM;
  if (!filter.ports.empty()) criteria |= FILTER_PORT;
  if (!filter.networks.empty()) criteria |= FILTER_NETWORK;
  if (!filter.roots.empty()) criteria |= FILTER_TREE;
  if (!filter.paths.empty()) criteria |= FILTER_PATH;
  return criteria;
}

}  // namespace

LiveFilter::LiveFilter(const FilterParts& parts) : parts_(parts) {
  parts_.live->excluded_pid = static_cast<uint32_t>(getpid());
  AttachTrees(parts_.trees);
}

void LiveFilter::Set(const CaptureFilter& filter) {
  const std::lock_guard lock(mutex_);
  volatile auto& live = parts_.live->generation_and_criteria;
  const uint32_t former = live >> 32;
  const uint32_t next = ++generation_;
  try {
    Write(filter, next);
  } catch (...) {
    Remove(next);
    throw;
  }
  live = uint64_t{next} << 32 | CriteriaOf(filter);
  Remove(former);
}

void LiveFilter::Write(const CaptureFilter& filter, uint32_t generation) {
  const uint8_t present = 1;
  const auto* write = "write the filter";
  for (const auto& key : FilterKeysOf(filter, generation))
    Check(bpf_map_update_elem(bpf_map__fd(parts_.values), &key, &present, BPF_ANY), write);
  for (const auto& network : filter.networks) {
    const auto key = KeyOf(generation, network);
    Check(bpf_map_update_elem(bpf_map__fd(parts_.networks), &key, &present, BPF_ANY), write);
  }
  WritePaths(bpf_map__fd(parts_.paths), filter.paths, generation);
  if (!filter.roots.empty()) TagTrees(parts_.trees, generation);
}

void LiveFilter::Remove(uint32_t generation) {
  RemoveGeneration<filter_key>(parts_.values, generation);
  RemoveGeneration<network_key>(parts_.networks, generation);
  RemoveGeneration<path_prefix_key>(parts_.paths, generation);
}

}  // namespace systems_manager
