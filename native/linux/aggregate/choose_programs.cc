#include "linux/aggregate/choose_programs.hh"

#include <bpf/libbpf.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "linux/bpf/session_layout.h"
// It needs the types of the session.
#include "aggregate.skel.h"

namespace systems_manager {
namespace {

using Programs = std::vector<bpf_program*>;

Programs ProgramsOf(const aggregate& object, const AggregateOptions& options) {
  const auto& programs = object.progs;
  const auto of_sockets = [&](Programs more) {
    Programs all = {programs.on_tcp_state, programs.on_tcp_destroyed, programs.on_call_exit,
                    programs.keep_present_owners};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  switch (options.source) {
    case AggregateSource::kSyscall:
      if (options.measures_latency) return {programs.on_system_call_begin, programs.on_system_call_end};
      return {programs.on_system_call};
    case AggregateSource::kFileOpen:
    case AggregateSource::kFileRead:
    case AggregateSource::kFileWrite:
    case AggregateSource::kFileUnlink:
      return {programs.on_call_exit};
    case AggregateSource::kTcpConnect:
    case AggregateSource::kTcpAccept:
      return of_sockets({});
    case AggregateSource::kTcpRetransmit:
      return of_sockets({programs.on_retransmit, programs.on_retransmit_synack});
    case AggregateSource::kExec:
      return {programs.on_exec};
    case AggregateSource::kBlockIo:
      return {programs.on_block_issue, programs.on_block_complete};
    case AggregateSource::kRunQueue:
      return {programs.on_wakeup, programs.on_first_wakeup, programs.on_switch};
  }
  throw std::system_error(EINVAL, std::generic_category(), "choose what is counted");
}

}  // namespace

uint32_t KindOf(AggregateSource source) {
  switch (source) {
    case AggregateSource::kFileOpen:
      return EVENT_FILE_OPEN;
    case AggregateSource::kFileRead:
      return EVENT_FILE_READ;
    case AggregateSource::kFileWrite:
      return EVENT_FILE_WRITE;
    case AggregateSource::kFileUnlink:
      return EVENT_FILE_UNLINK;
    case AggregateSource::kTcpConnect:
      return EVENT_TCP_CONNECT;
    case AggregateSource::kTcpAccept:
      return EVENT_TCP_ACCEPT;
    case AggregateSource::kTcpRetransmit:
      return EVENT_TCP_RETRANSMIT;
    case AggregateSource::kExec:
      return EVENT_EXEC;
    case AggregateSource::kBlockIo:
      return EVENT_BLOCK_IO;
    case AggregateSource::kSyscall:
    case AggregateSource::kRunQueue:
      break;
  }
  return EVENT_NONE;
}

void ChoosePrograms(struct aggregate* object, const AggregateOptions& options) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object->obj) bpf_program__set_autoload(program, false);
  for (auto* wanted : ProgramsOf(*object, options)) bpf_program__set_autoload(wanted, true);
  object->rodata->loaded_kinds = 1u << KindOf(options.source);
  // Any filter to come may name a tree.
  for (auto* of_trees : {object->progs.inherit_tree, object->progs.leave_tree, object->progs.tag_trees})
    bpf_program__set_autoload(of_trees, true);
}

}  // namespace systems_manager
