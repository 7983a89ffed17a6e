// The filter of programs that run: written for them, and exchanged while they do.
#pragma once

#include <cstdint>
#include <mutex>

#include "linux/bpf/session_layout.h"
#include "linux/capture/capture_filter.hh"
#include "linux/capture/tree_filter.hh"

struct bpf_map;

namespace systems_manager {

// The filter's parts in an object that was loaded, which outlives it.
struct FilterParts {
  bpf_map* values;
  bpf_map* networks;
  bpf_map* paths;
  volatile filter* live;
  TreeParts trees;
};

// Of the skeleton of any session.
template <typename Object>
FilterParts FilterPartsOf(Object& object) {
  auto& state = *object.bss;
  return {object.maps.filter_values,
          object.maps.filter_networks,
          object.maps.filter_paths,
          &state.filter,
          {{object.progs.inherit_tree, &object.links.inherit_tree},
           {object.progs.leave_tree, &object.links.leave_tree},
           {object.progs.tag_trees, &object.links.tag_trees},
           &state.next_generation,
           &state.tagged_processes,
           &state.untagged_processes}};
}

class LiveFilter {
 public:
  // Attaches the programs of trees, and excludes this process. Throws std::system_error.
  explicit LiveFilter(const FilterParts& parts);
  LiveFilter(const LiveFilter&) = delete;
  LiveFilter& operator=(const LiveFilter&) = delete;

  // Any thread. Holds for every event that begins after it returned. Throws std::system_error, and then nothing
  // changed.
  void Set(const CaptureFilter& filter);

  // Any thread. Processes of a tree that a filter names, for which there was no room, so that their events are missed.
  uint64_t UntaggedProcesses() const { return *parts_.trees.untagged; }

 private:
  void Write(const CaptureFilter& filter, uint32_t generation);
  void Remove(uint32_t generation);

  const FilterParts parts_;
  std::mutex mutex_;
  // The last one that a filter was written with; never used again.
  uint32_t generation_ = 0;
};

}  // namespace systems_manager
