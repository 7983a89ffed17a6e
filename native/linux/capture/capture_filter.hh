// Which events a session wants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systems_manager {

// The first bits of an address: of 32 for IPv4, of 128 for IPv6.
struct Network {
  std::string address;
  uint32_t bits;
};

// Values that pass, by criterion; an empty list does not filter.
struct CaptureFilter {
  std::vector<uint32_t> pids;
  std::vector<uint64_t> cgroups;
  std::vector<uint32_t> users;
  std::vector<std::string> comms;
  std::vector<uint32_t> ports;
  std::vector<Network> networks;
  // Processes, each with all that it starts.
  std::vector<uint32_t> roots;
  // Absolute, each with all that lies below it.
  std::vector<std::string> paths;
};

}  // namespace systems_manager
