// What JavaScript gets to see of aggregations.
#pragma once

#include <napi.h>

namespace systems_manager {

// openAggregation(options): Promise<Aggregation>. See services/providers/linux/aggregate/native-aggregation.ts.
Napi::Value OpenAggregation(const Napi::CallbackInfo& info);

}  // namespace systems_manager
