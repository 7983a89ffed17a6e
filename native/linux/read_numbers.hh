// The numbers that JavaScript asks for: pids, or inodes of sockets.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace systems_manager {

// The first argument: a Uint32Array, or nothing for all. Throws a TypeError of JavaScript.
inline std::optional<std::vector<uint32_t>> ReadNumbers(const Napi::CallbackInfo& info) {
  if (info.Length() == 0 || info[0].IsUndefined()) return std::nullopt;
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Napi::TypeError::New(info.Env(), "it takes a Uint32Array, or nothing for all");
  }
  const auto array = info[0].As<Napi::Uint32Array>();
  return std::vector<uint32_t>(array.Data(), array.Data() + array.ElementLength());
}

}  // namespace systems_manager
