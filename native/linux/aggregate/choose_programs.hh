// Which programs and which kind of event answer a question.
#pragma once

#include <cstdint>

#include "linux/aggregate/aggregate_session.hh"

namespace systems_manager {

// The kind whose account has what the source is counted as.
uint32_t KindOf(AggregateSource source);

// Before the object is loaded: all other programs are not.
void ChoosePrograms(struct aggregate* object, const AggregateOptions& options);

}  // namespace systems_manager
