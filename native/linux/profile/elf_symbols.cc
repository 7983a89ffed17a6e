#include <elf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "linux/profile/symbol_files.hh"
#include "linux/profile/symbol_search.hh"

namespace systems_manager {
namespace {

constexpr size_t kMostNameBytes = 4096;
// No section holds the name of what is nowhere in memory.
constexpr uint64_t kNowhere = ~uint64_t{0};

// Where a name is in the file.
using Search = SymbolSearch<uint64_t>;

// Bytes that are there, at most as many as there is room for.
size_t ReadAt(int file, uint64_t at, void* to, size_t size) {
  const ssize_t got = pread(file, to, size, static_cast<off_t>(at));
  // An offset that a broken file made up.
  if (got < 0 && errno == EINVAL) return 0;
  if (got < 0) throw std::system_error(errno, std::generic_category(), "read symbols");
  return static_cast<size_t>(got);
}

// A table of the file, in chunks: calls `take` with each entry that is there.
template <typename Entry, typename Take>
void ForEachEntry(int file, uint64_t at, uint64_t count, Take take) {
  std::vector<Entry> chunk(std::min<uint64_t>(count, 2048));
  for (uint64_t done = 0; done < count;) {
    const size_t wanted = std::min<uint64_t>(count - done, chunk.size());
    const size_t got = ReadAt(file, at + done * sizeof(Entry), chunk.data(), wanted * sizeof(Entry)) / sizeof(Entry);
    for (size_t index = 0; index < got; index++) take(chunk[index]);
    if (got == 0) return;
    done += got;
  }
}

bool IsElf(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_phentsize == sizeof(Elf64_Phdr) && header.e_shentsize == sizeof(Elf64_Shdr);
}

// Symbols speak of addresses as the linker chose them.
std::vector<uint64_t> LinkedAddresses(int file, const Elf64_Ehdr& header, const std::vector<uint64_t>& offsets) {
  std::vector<uint64_t> addresses(offsets.size(), kNowhere);
  ForEachEntry<Elf64_Phdr>(file, header.e_phoff, header.e_phnum, [&](const Elf64_Phdr& segment) {
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) return;
    for (size_t index = 0; index < offsets.size(); index++) {
      const uint64_t inside = offsets[index] - segment.p_offset;
      if (inside < segment.p_filesz) addresses[index] = segment.p_vaddr + inside;
    }
  });
  return addresses;
}

bool IsFunction(const Elf64_Sym& symbol) {
  const auto type = ELF64_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF && symbol.st_size > 0;
}

std::string ReadName(int file, uint64_t at) {
  std::array<char, kMostNameBytes> bytes;
  const size_t got = ReadAt(file, at, bytes.data(), bytes.size());
  return {bytes.data(), strnlen(bytes.data(), got)};
}

}  // namespace

Names FindElfSymbols(int file, const std::vector<uint64_t>& offsets) {
  Names names(offsets.size());
  Elf64_Ehdr header;
  if (ReadAt(file, 0, &header, sizeof(header)) < sizeof(header) || !IsElf(header)) return names;
  Search search(LinkedAddresses(file, header, offsets), Prefer::kNearest);
  std::vector<Elf64_Shdr> sections;
  ForEachEntry<Elf64_Shdr>(file, header.e_shoff, header.e_shnum,
                           [&](const Elf64_Shdr& section) { sections.push_back(section); });
  // There is one of each. A file that claims more would be read once for each claim.
  uint32_t wanted = 1u << SHT_SYMTAB | 1u << SHT_DYNSYM;
  for (const auto& section : sections) {
    if (section.sh_type > SHT_DYNSYM || !(wanted & 1u << section.sh_type)) continue;
    if (section.sh_link >= sections.size()) continue;
    wanted &= ~(1u << section.sh_type);
    const uint64_t strings = sections[section.sh_link].sh_offset;
    ForEachEntry<Elf64_Sym>(file, section.sh_offset, section.sh_size / sizeof(Elf64_Sym), [&](const Elf64_Sym& symbol) {
      if (IsFunction(symbol)) search.Offer(symbol.st_value, symbol.st_size, strings + symbol.st_name);
    });
  }
  const auto labels = search.TakeLabels();
  for (size_t index = 0; index < labels.size(); index++)
    if (labels[index]) names[index] = Demangle(ReadName(file, *labels[index]));
  return names;
}

}  // namespace systems_manager
