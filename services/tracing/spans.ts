// The one way to make spans here. Contexts are handed on as values: without an SDK there is no active context, and a span is
// then nothing but its parent's ids.
import {
  type Attributes,
  type Context,
  context as contexts,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { errorDetailOf, reasonName } from "../shared/errors.js";
import { productVersion } from "../shared/version.js";

export { type Attributes, type Context, type Span, SpanKind };

const tracer = trace.getTracer("systems-manager", productVersion);

/** A span, and the context in which what belongs to it happens. */
export interface OpenSpan {
  readonly context: Context;
  /** Runs the action with the context as the active one, where there is an SDK. */
  run<Result>(action: () => Result): Result;
  /** Ends it; with an error it failed for the error's reason. Only the first call counts. */
  end(outcome?: { readonly error?: unknown; readonly attributes?: Attributes }): void;
}

/** Starts a span in the parent's trace, or in a new one when the parent has none. */
export function startSpan(name: string, kind: SpanKind, attributes: Attributes, parent: Context): OpenSpan {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  const context = trace.setSpan(parent, span);
  let open = true;
  return {
    context,
    run: (action) => contexts.with(context, action),
    end({ error, attributes: late } = {}) {
      if (!open) return;
      open = false;
      if (late) span.setAttributes(late);
      if (error !== undefined) markFailed(span, error);
      span.end();
    },
  };
}

// Messages can hold what hosts wrote; the reason is enough to find them by.
function markFailed(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const reason = reasonName(errorDetailOf(error).reason);
  span.setAttribute("error.type", reason);
  span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
}
