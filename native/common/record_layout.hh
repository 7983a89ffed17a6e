// What the addon hands to JavaScript: one buffer of a header and packed records, decoded by
// services/providers/linux/native.ts. Words are in the machine's byte order; every record begins at a multiple of 8.
#pragma once

#include <cstdint>

namespace systems_manager {

// Grows with every change of what follows; TypeScript refuses an addon with another number.
constexpr uint32_t kLayoutVersion = 2;

// Most bytes of a command line that are kept; parse-cmdline.ts has the same bound.
constexpr uint32_t kMaxCommandLineBytes = 32 * 1024;

struct RecordHeader {
  uint32_t layout_version;
  uint32_t count;
  // Processes that exist and may not be read.
  uint32_t unseen;
  uint32_t reserved;
};

// Followed by name_bytes of the name, command_line_bytes of the command line, and zeros up to a multiple of 8.
struct ProcessRecord {
  // Of the whole record.
  uint32_t size;
  uint32_t pid;
  uint32_t parent_pid;
  uint32_t user_id;
  // The kernel's letter.
  uint32_t state;
  uint32_t thread_count;
  uint32_t command_line_bytes;
  uint32_t name_bytes;
  // Clock ticks.
  uint64_t user_ticks;
  uint64_t system_ticks;
  uint64_t start_ticks;
  uint64_t resident_bytes;
  // Of the command line, beyond those kept.
  uint64_t cut_bytes;
};

struct SocketRecord {
  uint64_t inode;
  uint32_t pid;
  uint32_t fd;
};

// A TCP or UDP socket as the kernel has it.
struct InetSocketRecord {
  uint64_t inode;
  uint32_t state;
  // AF_INET or AF_INET6.
  uint16_t family;
  uint16_t port;
  uint16_t remote_port;
  uint16_t reserved[3];
  // In network order; the first four bytes for AF_INET.
  uint8_t address[16];
  uint8_t remote_address[16];
};

static_assert(sizeof(RecordHeader) == 16, "header is two words");
static_assert(sizeof(ProcessRecord) == 72, "process record has no padding");
static_assert(sizeof(SocketRecord) == 16, "socket record is two words");
static_assert(sizeof(InetSocketRecord) == 56, "socket record of TCP and UDP is seven words");

}  // namespace systems_manager
