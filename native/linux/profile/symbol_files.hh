// Names of addresses from the files that have them. All of these are untrusted but the kernel's: what they say is
// bounded, and a file that makes no sense has no names. Any thread; the descriptors stay the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systems_manager {

// In the order of the addresses; empty where there is none. Throws std::system_error when the file cannot be read.
using Names = std::vector<std::string>;

// Names of offsets in an ELF file, from its symbol tables.
Names FindElfSymbols(int file, const std::vector<uint64_t>& offsets);

// Names of addresses from a perf map, which runtimes write for code that they compile: start, size, name.
Names FindMapSymbols(int file, const std::vector<uint64_t>& addresses);

// Names of addresses in the kernel from /proc/kallsyms: start, kind, name, module. None when the kernel hides them.
Names FindKernelSymbols(int file, const std::vector<uint64_t>& addresses);

// The C++ name that a compiler mangled; other names stay as they are.
std::string Demangle(std::string name);

}  // namespace systems_manager
