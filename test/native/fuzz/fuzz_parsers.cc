// Feeds broken and random input to everything of the addon that parses what others wrote: lines of /proc, perf maps,
// /proc/kallsyms and ELF files. `fuzz_parsers INPUTS SEED`; built with sanitizers, which end it at the first mistake.
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "common/unique_fd.hh"
#include "linux/profile/symbol_files.hh"
#include "linux/stat_line.hh"

namespace {

using namespace systems_manager;

std::mt19937_64 random_number;

uint64_t Below(uint64_t bound) { return random_number() % bound; }

void Require(bool holds, const char* what, const std::string& input) {
  if (holds) return;
  std::fprintf(stderr, "%s does not hold for %zu bytes:", what, input.size());
  for (const unsigned char byte : input) std::fprintf(stderr, " %02x", byte);
  std::fprintf(stderr, "\n");
  std::abort();
}

// Numbers that programs stumble over.
uint64_t Edge() {
  static const uint64_t edges[] = {0,           1, 7, 8, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0} >> 1,
                                   ~uint64_t{0}};
  return edges[Below(std::size(edges))] + (Below(4) == 0 ? Below(64) : 0);
}

std::string Mutate(std::string text) {
  for (auto turns = 1 + Below(4); turns > 0; turns--) {
    const size_t at = text.empty() ? 0 : Below(text.size());
    switch (Below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(random_number());
        break;
      case 1:
        text.resize(at);
        break;
      case 2:
        text.insert(at, std::string(Below(20), " ()\n0x\t_Z\xff"[Below(11)]));
        break;
      case 3:
        text.erase(at, Below(20));
        break;
      case 4:
        text.insert(at, std::to_string(Edge()));
        break;
      case 5: {
        const uint64_t value = Edge();
        if (text.size() >= at + sizeof(value)) std::memcpy(&text[at], &value, 1 + Below(sizeof(value)));
        break;
      }
    }
  }
  return text;
}

std::string Noise() {
  std::string text(Below(300), '\0');
  for (auto& byte : text) byte = static_cast<char>(random_number());
  return text;
}

std::string Input(const std::string& seed) { return Below(10) == 0 ? Noise() : Mutate(seed); }

void FuzzStat() {
  static const std::string seed =
      "4242 (a (b) c) S 1 4242 4242 34816 4242 4194560 2 0 0 0 10 20 0 0 20 0 7 0 123456 1000000 200 "
      "18446744073709551615 1";
  const auto text = Input(seed);
  // A copy of the exact size, so that a look behind its end is noticed.
  const std::vector<char> exact(text.begin(), text.end());
  const std::string_view view(exact.data(), exact.size());
  const auto stat = ParseStatLine(view);
  if (stat && !stat->name.empty())
    Require(stat->name.data() > view.data() && stat->name.data() + stat->name.size() < view.data() + view.size(),
            "the name lies inside the text", text);
  ParseResidentPages(view);
}

// Several labels, sizes and offsets of a file that has all that is read.
std::string SmallElf() {
  struct {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Shdr sections[3];
    Elf64_Sym symbols[4];
    char strings[64];
  } file{};
  std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
  file.header.e_ident[EI_CLASS] = ELFCLASS64;
  file.header.e_phoff = offsetof(decltype(file), segment);
  file.header.e_phentsize = sizeof(Elf64_Phdr);
  file.header.e_phnum = 1;
  file.header.e_shoff = offsetof(decltype(file), sections);
  file.header.e_shentsize = sizeof(Elf64_Shdr);
  file.header.e_shnum = 3;
  file.segment.p_type = PT_LOAD;
  file.segment.p_flags = PF_X;
  file.segment.p_vaddr = 0x400000;
  file.segment.p_filesz = 0x10000;
  for (int index = 0; index < 2; index++) {
    file.sections[index].sh_type = index == 0 ? SHT_SYMTAB : SHT_DYNSYM;
    file.sections[index].sh_link = 2;
    file.sections[index].sh_offset = offsetof(decltype(file), symbols) + index * 2 * sizeof(Elf64_Sym);
    file.sections[index].sh_size = 2 * sizeof(Elf64_Sym);
  }
  file.sections[2].sh_offset = offsetof(decltype(file), strings);
  for (int index = 0; index < 4; index++) {
    file.symbols[index].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    file.symbols[index].st_shndx = 1;
    file.symbols[index].st_value = 0x400000 + index * 0x100;
    file.symbols[index].st_size = 0x100;
    file.symbols[index].st_name = index * 16;
  }
  std::memcpy(file.strings, "main\0\0\0\0\0\0\0\0\0\0\0\0_Z3addii\0\0\0\0\0\0\0\0_ZN1a1bEv\0\0\0\0\0\0\0tail", 52);
  return {reinterpret_cast<const char*>(&file), sizeof(file)};
}

using Find = Names (*)(int, const std::vector<uint64_t>&);

void FuzzFile(const UniqueFd& file, const std::string& seed, Find find) {
  const auto text = Input(seed);
  if (ftruncate(file.get(), 0) != 0 ||
      pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    std::abort();
  std::vector<uint64_t> addresses = {0, 0x50, 0x150, 0x400010, 0xffffffff81000010, ~uint64_t{0}, Edge()};
  const auto names = find(file.get(), addresses);
  Require(names.size() == addresses.size(), "there is a name for each address", text);
  for (const auto& name : names) Require(name.size() <= 4096, "a name has at most 4,096 bytes", text);
}

}  // namespace

int main(int count, char** given) {
  const uint64_t inputs = count > 1 ? std::strtoull(given[1], nullptr, 10) : 1000;
  random_number.seed(count > 2 ? std::strtoull(given[2], nullptr, 10) : 1);
  const UniqueFd file(memfd_create("fuzz", MFD_CLOEXEC));
  if (!file.valid()) std::abort();
  const auto elf = SmallElf();
  const std::string map =
      "400000 100 first\n400100 80 _ZN1a1bEv\n0x50 0x20 LazyCompile:~f file.js:1\nffffffff81000000 40 last\n";
  const std::string kernel = "ffffffff81000000 T _text\nffffffff81000100 t one\t[module]\n0000000000400000 W weak\n";
  for (uint64_t done = 0; done < inputs; done++) {
    switch (done % 10) {
      case 0:
        FuzzFile(file, elf, FindElfSymbols);
        break;
      case 1:
        FuzzFile(file, map, FindMapSymbols);
        break;
      case 2:
        FuzzFile(file, kernel, FindKernelSymbols);
        break;
      case 3:
        Demangle("_Z" + Input("N1a1bIiEEvT_"));
        break;
      default:
        FuzzStat();
    }
  }
  std::printf("%llu inputs\n", static_cast<unsigned long long>(inputs));
  return 0;
}
